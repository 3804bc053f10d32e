"""A virtual environment a peer: its pinned requirements, installed once."""

import asyncio
import hashlib
import sys
from pathlib import Path

from bench.serving.processes import ROOT

PEERS = ROOT / "bench" / "serving" / "peers"
FOLDER = ROOT / ".venv-bench"


class NotInstalled(Exception):  # noqa: N818 - says what the peer is
    """The peer's packages cannot be had here; the message says why, in a few words."""


async def python_of(peer: str, requirements: Path | None = None) -> Path:
    """Return the interpreter of the peer's environment; make it first where it is missing.

    `requirements` is what it installs; None for the file in the peer's folder.

    Raises
    ------
    NotInstalled
        pip refused: most often a package that does not know this Python yet.
    """
    requirements = requirements or PEERS / peer / "requirements.txt"
    wanted = requirements.read_bytes()
    stamp = hashlib.sha256(wanted + sys.version.encode()).hexdigest()
    folder = FOLDER / peer
    python, mark = folder / "bin" / "python", folder / "installed"
    if mark.exists() and mark.read_text() == stamp:
        return python
    print(f"installing {peer} into {folder.relative_to(ROOT)}", flush=True)
    await _run(sys.executable, "-m", "venv", "--clear", str(folder))
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    await _run(*pip, "-r", str(requirements))
    mark.write_text(stamp)
    return python


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise NotInstalled(f"pip could not install it: {lines[-1][:200]}")
