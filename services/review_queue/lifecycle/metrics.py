"""The review queue's metrics, but for the webhooks': each declared once, here."""

from collections.abc import Callable
from datetime import datetime

from prometheus_client import Counter, Gauge

from services.review_queue.lifecycle.tasks import repository as tasks
from shared.db import Database
from shared.measuring import DatabaseMeasurement, Measured
from shared.metrics import confidential


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return confidential(Gauge(name, text, labels, multiprocess_mode="livemax"))


WAITING = _gauge(
    "surehand_review_queue_waiting_items",
    "Tasks that reviewers may answer or hold, in the whole database",
    *("project", "lane"),
)
OLDEST_WAIT = _gauge(
    "surehand_review_queue_oldest_wait_seconds",
    "Age of the oldest of these tasks",
    *("project", "lane"),
)
DISPUTED = _gauge(
    "surehand_review_queue_disputed_items",
    "Tasks that wait for an adjudicator, in the whole database",
    "project",
)
VERDICTS = Counter(
    "surehand_review_queue_verdicts_total",
    "Answers recorded by this process, by kind: verdict, skip, on-behalf, imported",
    ["project", "kind"],
)
OUTCOMES = confidential(
    Counter(
        "surehand_review_queue_outcomes_total",
        "Outcomes that this process put into the feed",
        ["project", "lane", "source"],
    )
)


class QueueMeasurement(DatabaseMeasurement):
    """Measures what waits in every project."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        super().__init__(WAITING, OLDEST_WAIT, DISPUTED)
        self._database = database
        self._now = now

    async def read(self, measured: Measured) -> None:
        """Put the values of the gauges into `measured`."""
        now = self._now()
        async with self._database.reading() as session:
            lanes = await tasks.waiting(session, now)
            disputed = await tasks.disputed(session)
        for row in lanes:
            measured[WAITING][row.project, row.lane] = row.open + row.leased
            measured[OLDEST_WAIT][row.project, row.lane] = (now - row.oldest).total_seconds()
        measured[DISPUTED] = {(project,): count for project, count in disputed.items()}
