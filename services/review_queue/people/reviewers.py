"""What each reviewer has done: the operator sees all, a reviewer himself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.people import repository
from services.review_queue.people.messages import (
    AgreementWithOutcomes,
    GoldAccuracy,
    ReviewerList,
    ReviewerStatistics,
)
from services.review_queue.people.trust import Record, Score, accuracy_of
from services.review_queue.projects.service import current_project
from shared.db import Database
from shared.http.lists import encode_cursor

_HOUR_SECONDS = 3600


@dataclass(frozen=True)
class ReviewerService:
    """Statistics of reviewers, counted in the database."""

    database: Database

    async def page(self, project: str, *, after: str, limit: int) -> ReviewerList:
        """Return reviewers by name, from the one behind `after` on; `NotFound`: no project."""
        async with self.database.reading() as session:
            await current_project(session, project)
            rows = await repository.answers(session, project, after=after, limit=limit + 1)
            page = await _statistics(session, project, rows[:limit])
        more = len(rows) > limit
        return ReviewerList(
            reviewers=page, cursor=encode_cursor(page[-1].reviewer) if more else None
        )

    async def one(self, project: str, reviewer: str) -> ReviewerStatistics:
        """Return one reviewer, also one who has done nothing yet; `NotFound`: no project."""
        async with self.database.reading() as session:
            await current_project(session, project)
            row = await repository.answers_of(session, project, reviewer)
            found = await _statistics(session, project, [] if row is None else [row])
        return found[0] if found else _nothing(reviewer)


async def _statistics(
    session: AsyncSession, project: str, rows: Sequence[Row[Any]]
) -> list[ReviewerStatistics]:
    names = [row.reviewer for row in rows]
    if not names:
        return []
    medians = await repository.median_seconds(session, project, names)
    compared = await repository.comparisons(session, project, names)
    against = {row.reviewer: row for row in compared}
    return [_told(row, medians.get(row.reviewer), against.get(row.reviewer)) for row in rows]


def _told(row: Row[Any], median: float | None, against: Row[Any] | None) -> ReviewerStatistics:
    answered = row.verdicts + row.skips
    return ReviewerStatistics(
        reviewer=row.reviewer,
        verdicts=row.verdicts,
        skips=row.skips,
        skip_rate=row.skips / answered if answered else None,
        active_seconds_median=median,
        verdicts_per_hour=_HOUR_SECONDS * row.timed / row.seconds if row.seconds else None,
        outcomes=against and _outcomes(against),
        gold=against and _gold(against),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
    )


def _outcomes(against: Row[Any]) -> AgreementWithOutcomes | None:
    if not against.shared:
        return None
    return AgreementWithOutcomes(
        tasks=against.shared, agreement=against.shared_right / against.shared
    )


def _gold(against: Row[Any]) -> GoldAccuracy | None:
    if not against.gold:
        return None
    low, high = accuracy_of(Record(gold=Score(against.gold, against.gold_right))).interval()
    return GoldAccuracy(
        tasks=against.gold,
        right=against.gold_right,
        accuracy=against.gold_right / against.gold,
        low=low,
        high=high,
    )


def _nothing(reviewer: str) -> ReviewerStatistics:
    return ReviewerStatistics(
        reviewer=reviewer,
        verdicts=0,
        skips=0,
        skip_rate=None,
        active_seconds_median=None,
        verdicts_per_hour=None,
        outcomes=None,
        gold=None,
        first_seen=None,
        last_seen=None,
    )
