"""Whether reviewers have time for optional reviews, as the review queue forecasts it.

A project is asked about when a call could use the answer, and not more often than every few
seconds. Without a recent forecast reviewers are not free: what is certified is answered at once.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from services.router.delivery.review_queue import QueueAway, QueueRefused, ReviewQueue
from shared.loops import cancel_all

# From then on it is asked again, while the forecast still counts.
_STALE_SECONDS = 5.0
_OLD_SECONDS = 15.0
# A call waits no longer than this for a forecast; it is answered at once then.
_PATIENCE_SECONDS = 0.5
_ANSWER_SECONDS = 2.0


@dataclass(frozen=True)
class _Forecast:
    """What the queue said: the seconds until an optional task is reached, None for never."""

    at: float
    delay: float | None


class FreeReviewers:
    """The newest forecast of each project; `clock` gives seconds that only grow."""

    def __init__(self, queue: ReviewQueue, clock: Callable[[], float] = time.monotonic) -> None:
        self._queue = queue
        self._clock = clock
        self._known: dict[str, _Forecast] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["FreeReviewers"]:
        """End all questions after the block."""
        try:
            yield self
        finally:
            await cancel_all(set(self._asking.values()))

    async def within(self, project: str, seconds: float) -> bool:
        """Say whether reviewers can be expected to reach an optional task within `seconds`."""
        age = self._age(project)
        if age is None or age > _STALE_SECONDS:
            asking = self._ask(project)
            if age is None or age > _OLD_SECONDS:
                await asyncio.wait([asking], timeout=_PATIENCE_SECONDS)
        known, age = self._known.get(project), self._age(project)
        if known is None or known.delay is None or age is None or age > _OLD_SECONDS:
            return False
        return known.delay < seconds

    def _age(self, project: str) -> float | None:
        known = self._known.get(project)
        return None if known is None else self._clock() - known.at

    def _ask(self, project: str) -> asyncio.Task[None]:
        asking = self._asking.get(project)
        if asking is None:
            asking = self._asking[project] = asyncio.create_task(self._read(project))
            asking.add_done_callback(lambda _: self._asking.pop(project, None))
        return asking

    async def _read(self, project: str) -> None:
        delay = None
        with contextlib.suppress(QueueAway, QueueRefused):
            delay = await self._queue.optional_delay(project, seconds=_ANSWER_SECONDS)
        self._known[project] = _Forecast(self._clock(), delay)
