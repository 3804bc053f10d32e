"""Servers as child processes on a core of their own, and what they weigh."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
_STOP_SECONDS = 10.0
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Cores:
    """Which cores the server and the load generator have; empty means any (no pinning here).

    `two` is for two workers: the server's core and a third, or the load generator's where there
    is no third; `free` says how many of them are free of other load.
    """

    server: frozenset[int]
    load: frozenset[int]
    two: frozenset[int]
    free: int

    @classmethod
    def of_machine(cls) -> "Cores":
        """One core for the server and the next for the load; the same one where there is one."""
        if not hasattr(os, "sched_setaffinity"):
            return cls(frozenset(), frozenset(), frozenset(), 0)
        return cls.of(sorted(os.sched_getaffinity(0)))

    @classmethod
    def of(cls, available: Sequence[int]) -> "Cores":
        """Share out `available` cores, at least one."""
        server = frozenset(available[:1])
        load = frozenset(available[1:2]) or server
        two = server | (frozenset(available[2:3]) or load)
        return cls(server, load, two, len(two - load))

    @property
    def words(self) -> str:
        """How they are shared, for the report."""
        if not self.server:
            return "not pinned: this system cannot"
        if self.server == self.load:
            return "server and load generator share the only core"
        return f"server on core {min(self.server)}, load generator on core {min(self.load)}"


def pin(cores: frozenset[int], pid: int = 0) -> None:
    """Keep a process (0: this one), and what it starts from now on, on `cores`."""
    if cores:
        os.sched_setaffinity(pid, cores)


def free_port() -> int:
    """Return a loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerFailed(Exception):  # noqa: N818 - says what the server did
    """The server ended, or did not answer in time; the message has the end of its log."""


@dataclass
class Server:
    """A running process, its log and its descendants."""

    process: asyncio.subprocess.Process
    log: Path

    def check(self) -> None:
        """Raise `ServerFailed` when the process has ended."""
        if self.process.returncode is not None:
            raise ServerFailed(f"it ended with status {self.process.returncode}: {self.tail()}")

    def tail(self) -> str:
        """Return the last line of its log."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "its log is empty"

    def tree(self) -> list[psutil.Process]:
        """Return the process and its descendants."""
        try:
            root = psutil.Process(self.process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def rss_mib(self) -> float:
        """Resident memory of the whole tree; pages that processes share count for each."""
        return self._sum(lambda process: process.memory_info().rss) / _MEBIBYTE

    def cpu_seconds(self) -> float:
        """Processor time that the whole tree has used so far."""
        return self._sum(lambda process: sum(process.cpu_times()[:2]))

    def _sum(self, figure: Callable[[psutil.Process], float]) -> float:
        total = 0.0
        for process in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += figure(process)
        return total

    async def stop(self) -> None:
        """SIGTERM to the process; SIGKILL to all of its tree that is left."""
        tree = self.tree()
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await self.process.wait()
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        await self.process.wait()


@contextlib.asynccontextmanager
async def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    cores: frozenset[int],
) -> AsyncIterator[Server]:
    """Run `command` from the repository's root on `cores` while the block lasts."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("SUREHAND_")}
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env={**inherited, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C reaches the benchmark alone, which then stops its servers.
            start_new_session=True,
            preexec_fn=lambda: pin(cores),
        )
    server = Server(process, log)
    try:
        yield server
    finally:
        await server.stop()
