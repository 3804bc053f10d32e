"""What each kind of process of an installation takes: processor time, and its peak of memory."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.serving.processes import Server

_LOOK_SECONDS = 0.25
_Looks = dict[psutil.Process, tuple[str, float, float]]
"""Kind, processor seconds and peak of memory of each process."""
_KINDS = {
    "services trainer": "trainer",
    "services review_queue": "review queue",
    "services.trainer.selection.process": "selection",
    "services.trainer.runs.training": "run",
}


@dataclass
class Footprint:
    """What a step took, by kind of process: seconds of a processor, and MiB at most."""

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)


@contextlib.asynccontextmanager
async def watched(server: Server) -> AsyncIterator[Footprint]:
    """Watch the processes while the block lasts; what it took is complete after it."""
    found = Footprint()
    before = {process: cpu for process, (_, cpu, _) in _look(server, forget=True).items()}
    latest: _Looks = {}

    async def watch() -> None:
        while True:
            latest.update(_look(server))
            await asyncio.sleep(_LOOK_SECONDS)

    began, watching = time.perf_counter(), asyncio.create_task(watch())
    try:
        yield found
    finally:
        watching.cancel()
    found.seconds = time.perf_counter() - began
    latest.update(_look(server))
    for process, (kind, cpu, peak) in latest.items():
        found.cpu[kind] = found.cpu.get(kind, 0.0) + cpu - before.get(process, 0.0)
        found.peak[kind] = max(found.peak.get(kind, 0.0), peak)


def _look(server: Server, *, forget: bool = False) -> _Looks:
    """Look at all processes; `forget` their peaks before."""
    found: _Looks = {}
    for process in server.tree():
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            kind = _kind_of(process.cmdline())
            if kind is None:
                continue
            folder = Path(f"/proc/{process.pid}")
            if forget:
                (folder / "clear_refs").write_text("5")
            peak = _peak_mib((folder / "status").read_text())
            found[process] = (kind, sum(process.cpu_times()[:2]), peak)
    return found


def _kind_of(command: list[str]) -> str | None:
    module = command[2:4] if command[2:3] == ["services"] else command[2:3]
    return _KINDS.get(" ".join(module)) if command[1:2] == ["-m"] else None


def _peak_mib(status: str) -> float:
    lines = (line.split() for line in status.splitlines())
    return next((int(line[1]) / 1024 for line in lines if line[:1] == ["VmHWM:"]), 0.0)
