"""The gauges of the queue: how much waits, and for how long."""

from collections.abc import Callable
from datetime import datetime

from services.review_queue.lifecycle.metrics import DISPUTED, OLDEST_WAIT, WAITING
from services.review_queue.lifecycle.tasks import repository as tasks
from shared.db import Database
from shared.measuring import DatabaseMeasurement, Measured


class QueueMeasurement(DatabaseMeasurement):
    """Measures what waits in every project."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        super().__init__(WAITING, OLDEST_WAIT, DISPUTED)
        self._database = database
        self._now = now

    async def read(self, measured: Measured) -> None:
        """Put the values of the gauges into `measured`."""
        async with self._database.reading() as session:
            lanes = await tasks.waiting_by_lane(session)
            disputed = await tasks.disputed_by_project(session)
        now = self._now()
        for row in lanes:
            measured[WAITING][row.project, row.lane] = row.waiting
            measured[OLDEST_WAIT][row.project, row.lane] = (now - row.oldest).total_seconds()
        measured[DISPUTED] = {(project,): count for project, count in disputed.items()}
