"""Child processes that are kept alive until they are stopped, and never outlive us.

A child that ends by itself is started again, and so is one whose event loop does not answer any
more: it gives signs of life through a pipe, and is killed once they have failed for some time.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

import structlog

log = structlog.get_logger()

# A supervised process writes a byte into this pipe each second, for as long as its loop runs.
OPTION = "--heartbeat"

_BEAT_SECONDS = 1.0
_STOP_SECONDS = 15.0
_SHORTEST_DELAY = 0.2
_LONGEST_DELAY = 3.0
_HEALTHY_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1
_READ_BYTES = 4096


@dataclass
class Child:
    """One supervised process.

    `pipe` is what it gives signs of life through, as its reading and its writing end; `silent`
    counts the seconds since the last one, and is None before the first.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str]
    pass_fds: Sequence[int] = ()
    process: asyncio.subprocess.Process | None = None
    task: asyncio.Task[None] | None = None
    restarts: int = 0
    pipe: tuple[int, int] | None = None
    silent: int | None = None
    listening: asyncio.Task[None] | None = None


@dataclass
class Supervisor:
    """Starts children, restarts those that end by themselves, stops all in reverse order.

    What children say goes to `log`, to our own output when it is None. `on_start` is told of each
    that gives its first sign of life, `on_restart` of each that ended by itself. A child that
    `beats` is killed after `hang_seconds` without a sign of life, 0 for never.
    """

    log: IO[bytes] | None = None
    on_start: Callable[[str], None] = lambda _name: None
    on_restart: Callable[[str, int | None], None] = lambda _name, _status: None
    stop_seconds: float = _STOP_SECONDS
    hang_seconds: int = 0
    children: list[Child] = field(default_factory=list)
    _stopping: bool = False

    async def start(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        *,
        beats: bool = False,
    ) -> Child:
        """Start a child and watch it; one that `beats` takes the option `--heartbeat`."""
        child = Child(name, command, environment, pass_fds)
        self.children.append(child)
        if beats:
            self._listen(child)
        await self._spawn(child)
        child.task = asyncio.create_task(self._watch(child))
        return child

    def _listen(self, child: Child) -> None:
        # Kept for the child's successors too.
        child.pipe = reading, writing = os.pipe()
        child.command = [*child.command, OPTION, str(writing)]
        child.pass_fds = [*child.pass_fds, writing]

        def heard() -> None:
            os.read(reading, _READ_BYTES)
            if child.silent is None:
                self.on_start(child.name)
            child.silent = 0

        asyncio.get_running_loop().add_reader(reading, heard)
        child.listening = asyncio.create_task(self._look_after(child))

    async def _look_after(self, child: Child) -> None:
        while True:
            # Counted, not measured: when all of us have stood still, the child has as well.
            await asyncio.sleep(_BEAT_SECONDS)
            if child.silent is None:
                continue
            child.silent += 1
            if 0 < self.hang_seconds < child.silent and child.process is not None:
                log.error("child_hangs", child=child.name, silent_seconds=child.silent)
                child.silent = None
                with contextlib.suppress(ProcessLookupError):
                    child.process.kill()

    async def _spawn(self, child: Child) -> None:
        child.process = await asyncio.create_subprocess_exec(
            *child.command,
            env=dict(child.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            pass_fds=child.pass_fds,
            # Ctrl-C reaches us alone, who then stop our children in order.
            start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid()),
        )

    async def _watch(self, child: Child) -> None:
        delay = _SHORTEST_DELAY
        while True:
            assert child.process is not None
            started = time.monotonic()
            status = await child.process.wait()
            if self._stopping:
                return
            self.on_restart(child.name, status)
            lived = time.monotonic() - started
            delay = _SHORTEST_DELAY if lived > _HEALTHY_SECONDS else min(delay * 2, _LONGEST_DELAY)
            await asyncio.sleep(delay)
            child.restarts += 1
            child.silent = None
            await self._spawn(child)

    async def stop(self, *, together: bool = False) -> None:
        """Stop every child: SIGTERM, then SIGKILL for one that does not end in time.

        One after another, each once the later ones have ended; or all at the same time.
        """
        self._stopping = True
        for child in self.children:
            # It may end as slowly as it likes.
            if child.pipe is not None and child.listening is not None:
                child.listening.cancel()
                asyncio.get_running_loop().remove_reader(child.pipe[0])
                for end in child.pipe:
                    os.close(end)
                child.pipe = None
        if together:
            await asyncio.gather(*map(self._stop, self.children))
        else:
            for child in reversed(self.children):
                await self._stop(child)

    async def _stop(self, child: Child) -> None:
        await self._end(child)
        if child.task is not None:
            child.task.cancel()
            await asyncio.gather(child.task, return_exceptions=True)
        # A restart may have been under way when we began to stop.
        await self._end(child)

    async def _end(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(self.stop_seconds):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _die_with_parent(parent: int) -> Callable[[], None]:
    # Loaded before the fork: the child may not take locks that another thread held.
    library = ctypes.CDLL(None)

    def ask_kernel() -> None:
        if hasattr(library, "prctl"):
            library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel


def beat(pipe: int | None) -> None:
    """Begin to write into `pipe` from the running event loop, for as long as the loop runs.

    None stands for a process without a supervisor.
    """
    if pipe is None:
        return
    os.set_blocking(pipe, False)
    loop = asyncio.get_running_loop()

    def write() -> None:
        try:
            os.write(pipe, b".")
        except BlockingIOError:
            # The supervisor does not read: there is nothing to tell it.
            pass
        except OSError:
            return
        loop.call_later(_BEAT_SECONDS, write)

    write()
