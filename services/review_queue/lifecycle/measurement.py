"""The gauges of the queue: how much waits, and for how long."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from services.review_queue.lifecycle.metrics import DISPUTED, OLDEST_WAIT, WAITING
from services.review_queue.lifecycle.tasks import repository as tasks
from shared.db import Database
from shared.measuring import measuring_loop
from shared.metrics import LabelledGauge


class QueueMeasurement:
    """Reads what waits in every project and sets the gauges; each replica sets the same values."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self.loop = measuring_loop(self.measure)
        self._waiting = LabelledGauge(WAITING)
        self._oldest = LabelledGauge(OLDEST_WAIT)
        self._disputed = LabelledGauge(DISPUTED)

    async def measure(self) -> int:
        """Set the gauges; return how many lanes have tasks."""
        async with self._database.reading() as session:
            lanes = await tasks.waiting_by_lane(session)
            disputed = await tasks.disputed_by_project(session)
        now = self._now()
        self._waiting.show({(row.project, row.lane): row.waiting for row in lanes})
        self._oldest.show(
            {(row.project, row.lane): (now - row.oldest).total_seconds() for row in lanes}
        )
        self._disputed.show({(project,): count for project, count in disputed.items()})
        return len(lanes)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Measure while the block lasts; show nothing of the past after it."""
        try:
            async with self.loop.running():
                yield
        finally:
            self.clear()

    def clear(self) -> None:
        """Show nothing any more."""
        for gauge in (self._waiting, self._oldest, self._disputed):
            gauge.show({})
