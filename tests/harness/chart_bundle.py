"""The script of charts, made once for all tests: making it takes seconds of processor time."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from services.console.charts.bundle import Bundle
from tests.harness.processes import ROOT

_KEPT = ROOT / ".cache" / "tests"


async def share_chart_bundle(home: Path) -> None:
    """Put the script into a home, as a console puts it there that has made it."""
    kept = _KEPT / f"{Bundle(_KEPT).name}.gz"
    if not await asyncio.to_thread(kept.exists):
        # Another worker may make it at the same time: each has a folder of its own for that.
        _KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_KEPT) as folder:
            await Bundle(Path(folder)).content()
            await asyncio.to_thread((Path(folder) / kept.name).replace, kept)
    await asyncio.to_thread(_copy, kept, home)


def _copy(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, folder)
