"""A run's process, as the trainer sees it: start it, read its output, end it."""

import asyncio
import contextlib
import os
import shutil
import sys
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import orjson

import services
from shared.child_limits import thread_environment
from shared.contracts.base import new_id

_LOG_LINES = 200
# The process gets next to nothing of our environment: no token, no address.
_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
# Packages with recipes may lie there.
_KEPT = ("PYTHONPATH",)
_ROOT = Path(services.__path__[0]).parent


@contextlib.asynccontextmanager
async def working_folder(root: Path, what: str, under_way: set[str]) -> AsyncIterator[Path]:
    """Make a folder for the block; one that a killed trainer leaves is removed at its next start.

    Its name, which `what` begins, is among those `under_way` meanwhile. It may hold items' content,
    so it is nowhere else than in `root`, the folder of the runs.
    """
    folder = root / f"{what}-{new_id()}"
    under_way.add(folder.name)
    try:
        await asyncio.to_thread(folder.mkdir, parents=True)
        yield folder
    finally:
        under_way.discard(folder.name)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class Child:
    """One process; it reports `progress`, in [0, 1], and lines of a log.

    `ended` gives its exit status (below 0: the signal).
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: deque[str] = deque(maxlen=_LOG_LINES)
        self.progress = 0.0
        self.ended = asyncio.create_task(self._until_end())

    @classmethod
    async def start(cls, module: str, folder: Path) -> "Child":
        """Start `module` as a process on the job in `folder`, an absolute path."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            str(folder),
            str(os.getpid()),
            cwd=_ROOT,
            env=_ENVIRONMENT | thread_environment() | kept,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=1024 * 1024,
        )
        return cls(process)

    @property
    def log_tail(self) -> str:
        """The last lines that it wrote."""
        return "\n".join(self._lines)

    async def ends_within(self, seconds: float) -> bool:
        """Wait for its end, and kill it after `seconds`; say whether it ended before."""
        try:
            await asyncio.wait({self.ended}, timeout=seconds)
            return self.ended.done()
        finally:
            await self.end()

    async def end(self) -> None:
        """Kill it if it runs, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.wait({self.ended})

    async def _until_end(self) -> int:
        await asyncio.gather(self._read_progress(), self._read_log())
        return await self._process.wait()

    async def _read_progress(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                said = orjson.loads(line)
                self.progress = float(said["progress"])
                self._lines.append(f"{said['message']}")

    async def _read_log(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self._lines.append(line.decode("utf-8", "replace").rstrip())
