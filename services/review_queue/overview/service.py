"""Figures of projects as use cases."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.review_queue.lifecycle.repository import claiming
from services.review_queue.overview import repository
from services.review_queue.overview.messages import FlowBucket, FlowSeries, Overview, ProjectFigures
from services.review_queue.repository.projects import require_project
from shared.db import Database
from shared.http.lists import page_of
from shared.problems import Unprocessable

_MOST_BUCKETS = 1000
_MOST_COUNTED = 200_000


@dataclass(frozen=True)
class OverviewService:
    """What waits and what people have answered in many projects, in a few statements.

    A list of projects counts no figure beyond `counted_to`, so its cost has a bound.
    """

    database: Database
    now: Callable[[], datetime]
    counted_to: int = 1_000

    async def projects(
        self, *, since: datetime | None, after: str, limit: int, only: frozenset[str] | None
    ) -> Overview:
        """Return projects by name, those in `only` unless it is None, with their figures.

        Answers count from `since` on, by default from midnight UTC.
        """
        now = self.now()
        since = since or now.replace(hour=0, minute=0, second=0, microsecond=0)
        async with self.database.reading() as session:
            rows = await repository.page(
                session, after=after, limit=limit + 1, only=only, since=since, most=self.counted_to
            )
            shown, cursor = page_of(rows, limit, lambda row: row.project)
            leased = await claiming.held(session, [row.project for row in shown], now)
        projects = [
            ProjectFigures(
                **row._mapping, leased=leased.get(row.project, 0), counted_to=self.counted_to
            )
            for row in shown
        ]
        return Overview(projects=projects, since=since, cursor=cursor)

    async def series(self, project: str, *, since: datetime | None, step: int) -> FlowSeries:
        """Return arrivals and answers of a project since `since`, by default for seven days.

        Raises `NotFound` (there is no such project) and `Unprocessable` (`since` is in the future,
        or more than 1,000 steps ago).
        """
        now = self.now()
        since = (since or now - timedelta(days=7)).replace(microsecond=0)
        count = int((now - since).total_seconds()) // step + 1
        if since > now or count > _MOST_BUCKETS:
            fault = f"must be in the past, and at most {_MOST_BUCKETS} steps ago"
            raise Unprocessable([("/query/since", fault)])
        asked = (project, since, step, _MOST_COUNTED)
        async with self.database.reading() as session:
            await require_project(session, project)
            arrived = await repository.arrivals(session, *asked)
            answered = await repository.answered(session, *asked)
        return FlowSeries(
            step_seconds=step,
            buckets=[
                FlowBucket(
                    since=since + timedelta(seconds=number * step),
                    arrived=arrived.get(number, 0),
                    answers=answered.get(number, 0),
                )
                for number in range(count)
            ],
            complete=max(sum(arrived.values()), sum(answered.values())) < _MOST_COUNTED,
        )
