"""Figures of projects as use cases."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.overview import repository
from services.review_queue.overview.messages import Overview, ProjectFigures
from shared.db import Database
from shared.http.lists import page_of


@dataclass(frozen=True)
class OverviewService:
    """What waits and what people have answered in many projects, in a few statements."""

    database: Database
    now: Callable[[], datetime]

    async def projects(
        self, *, since: datetime | None, after: str, limit: int, only: frozenset[str] | None
    ) -> Overview:
        """Return projects by name, those in `only` unless it is None, with their figures.

        Answers count from `since` on, by default from midnight UTC.
        """
        now = self.now()
        since = since or now.replace(hour=0, minute=0, second=0, microsecond=0)
        async with self.database.reading() as session:
            rows = await repository.page(session, after=after, limit=limit + 1, only=only)
            shown, cursor = page_of(rows, limit, lambda row: row.name)
            names = [row.name for row in shown]
            waiting = await repository.waiting(session, names)
            leased = await repository.leased(session, names, now)
            disputed = await repository.disputed(session, names)
            answers = await repository.answers(session, names, since)
        projects = [
            ProjectFigures(
                project=row.name,
                title=row.title or "",
                revision=row.revision,
                labels=row.labels,
                created_at=row.created_at,
                archived_at=row.archived_at,
                waiting=waiting[row.name].number if row.name in waiting else 0,
                leased=leased.get(row.name, 0),
                adjudication=disputed.get(row.name, 0),
                oldest_at=waiting[row.name].oldest if row.name in waiting else None,
                answers=answers.get(row.name, 0),
            )
            for row in shown
        ]
        return Overview(projects=projects, since=since, cursor=cursor)
