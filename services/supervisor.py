"""Child processes that are kept alive until they are stopped, and never outlive us."""

import asyncio
import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

_STOP_SECONDS = 15.0
_SHORTEST_DELAY = 0.2
_LONGEST_DELAY = 3.0
_HEALTHY_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One supervised process."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    pass_fds: Sequence[int] = ()
    process: asyncio.subprocess.Process | None = None
    task: asyncio.Task[None] | None = None
    restarts: int = 0


@dataclass
class Supervisor:
    """Starts children, restarts those that end by themselves, stops all in reverse order.

    What children say goes to `log`, to our own output when it is None. `on_restart` is told of each
    that ended by itself.
    """

    log: IO[bytes] | None = None
    on_restart: Callable[[str, int | None], None] = lambda _name, _status: None
    stop_seconds: float = _STOP_SECONDS
    children: list[Child] = field(default_factory=list)
    _stopping: bool = False

    async def start(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start a child and watch it."""
        child = Child(name, command, environment, pass_fds)
        self.children.append(child)
        await self._spawn(child)
        child.task = asyncio.create_task(self._watch(child))
        return child

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
            await self._spawn(child)

    async def stop(self, *, together: bool = False) -> None:
        """Stop every child: SIGTERM, then SIGKILL for one that does not end in time.

        One after another, each once the later ones have ended; or all at the same time.
        """
        self._stopping = True
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
