"""The script of charts, made once for all tests: making it takes seconds of processor time."""

import asyncio
import shutil
from pathlib import Path

from services.console.charts.bundle import Bundle
from tests.harness.processes import ROOT


async def share_chart_bundle(home: Path) -> None:
    """Put the script into a home, as a console puts it there that has made it."""
    shared = Bundle(ROOT / ".cache" / "tests")
    await shared.content()
    await asyncio.to_thread(_copy, shared.home / f"{shared.name}.gz", home)


def _copy(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, folder)
