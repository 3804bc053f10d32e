"""Background loops: each takes one turn after another for as long as its service lives."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from shared.logs import cause_of
from shared.telemetry import FAILING_LOOPS, LOOP_FAILURES

log = structlog.get_logger()

_FIRST_DELAY_SECONDS = 0.1
_LAST_DELAY_SECONDS = 2.0
_SLOW_SECONDS = 30.0

Work = Callable[[], Awaitable[object]]


@dataclass(eq=False)
class Loop:
    """Takes a turn, rests, and takes the next one; an exception only delays the next turn.

    Turns that fail are repeated after 0.1 s, and after twice the time each time up to 2 s. The log
    has one line when a loop begins to fail, one for each other cause, and one when it works again.

    Parameters
    ----------
    name
        In logs, metrics and `/readyz`.
    turn
        The work of one turn.
    rest
        Returns when the next turn is due. It follows turns that succeeded.
    expected
        Errors that say a dependency is away: logged without a traceback.
    slow_seconds
        A turn that takes longer counts as degraded, unless it calls `advance` meanwhile.

    Examples
    --------
    >>> class Mill:
    ...     def __init__(self):
    ...         self.loop = Loop("mill", self.turn, lambda: asyncio.sleep(60))
    ...     async def turn(self): ...
    """

    name: str
    turn: Work
    rest: Work
    expected: tuple[type[Exception], ...] = (OSError,)
    slow_seconds: float = _SLOW_SECONDS
    now: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._stopping = asyncio.Event()
        # The end of the last successful turn, and the last sign of life of the turn under way.
        self._good_at = self._moved_at = self.now()
        # A loop that has not been started waits for nothing.
        self._resting = True
        self._error: Exception | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Loop"]:
        """Run while the block lasts; its end cancels the turn under way."""
        task = asyncio.create_task(self.run())
        try:
            yield self
        finally:
            await cancel_all([task])

    async def run(self) -> None:
        """Take turns until `stop`."""
        try:
            await self._take_turns()
        finally:
            # A loop that has ended fails no longer.
            if self._error is not None:
                FAILING_LOOPS.labels(self.name).set(0)

    async def _take_turns(self) -> None:
        delay = _FIRST_DELAY_SECONDS
        self._good_at = self._moved_at = self.now()
        task = asyncio.current_task()
        assert task is not None
        while not self._stopping.is_set() and not task.cancelling():
            try:
                await self._take_turn()
                # A turn may lose its cancellation in a library. The rest may wait for a bell that
                # will not ring.
                if not task.cancelling():
                    await self._rest()
            except asyncio.CancelledError:
                # A task that the turn waited for may have been cancelled, and not this one.
                if task.cancelling():
                    raise
                self._failed(RuntimeError("a task that the turn waited for was cancelled"))
            except Exception as error:  # noqa: BLE001 - logged there
                self._failed(error)
            else:
                delay = _FIRST_DELAY_SECONDS
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()
            delay = min(delay * 2, _LAST_DELAY_SECONDS)

    def stop(self) -> None:
        """Let `run` return after the turn and the rest under way."""
        self._stopping.set()

    def advance(self) -> None:
        """Say that the turn under way does not hang: a long one has come on."""
        self._moved_at = self.now()

    @property
    def fault(self) -> str | None:
        """What is wrong, for `/readyz`; None when nothing is. Causes that may name data are not."""
        now = self.now()
        if self._error is not None:
            kind, age = type(self._error).__name__, now - self._good_at
            said = self._error.strerror if isinstance(self._error, OSError) else None
            cause = f"{kind}: {said}" if said else kind
            return f"its last successful iteration ended {age:.0f} s ago: {cause}"
        if not self._resting and now - self._moved_at > self.slow_seconds:
            return f"its iteration has made no progress for {now - self._moved_at:.0f} s"
        return None

    async def _take_turn(self) -> None:
        self._resting, self._moved_at = False, self.now()
        await self.turn()
        seconds = self.now() - self._good_at
        self._good_at = self.now()
        if self._error is not None:
            self._error = None
            FAILING_LOOPS.labels(self.name).set(0)
            log.info("loop_works_again", loop=self.name, after_seconds=round(seconds, 1))

    async def _rest(self) -> None:
        self._resting = True
        try:
            await self.rest()
        finally:
            self._resting = False
            self._good_at = self.now()

    def _failed(self, error: Exception) -> None:
        before, self._error = self._error, error
        LOOP_FAILURES.labels(self.name).inc()
        FAILING_LOOPS.labels(self.name).set(1)
        cause = cause_of(error)
        if before is not None and cause_of(before) == cause:
            return
        if isinstance(error, self.expected):
            log.warning("loop_failed", loop=self.name, cause=cause)
        else:
            log.error("loop_failed", loop=self.name, cause=cause, exc_info=error)


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and return once all of them have ended."""
    for task in (ending := list(tasks)):
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


def loop_faults(loops: Iterable[Loop]) -> dict[str, str]:
    """Return what is wrong by the names of the loops; empty when nothing is."""
    return {loop.name: loop.fault for loop in loops if loop.fault is not None}
