"""What each reviewer has done: the operator sees all, a reviewer himself."""

import bisect
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.people import repository
from services.review_queue.people.bounds import VERDICTS
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
    took: dict[str, list[tuple[int, float]]] = {}
    for one in await repository.active_seconds(session, project, names):
        took.setdefault(one.reviewer, []).append((one.number, one.seconds))
    shared = await repository.outcome_agreement(session, project, names, verdicts=VERDICTS)
    gold = await repository.gold_scores(session, project, names)
    return [
        _told(row, took.get(row.reviewer, []), shared.get(row.reviewer), gold.get(row.reviewer))
        for row in rows
    ]


def _told(
    row: Row[Any],
    took: Sequence[tuple[int, float]],
    shared: tuple[int, int] | None,
    gold: tuple[int, int] | None,
) -> ReviewerStatistics:
    answered = row.verdicts + row.skips
    return ReviewerStatistics(
        reviewer=row.reviewer,
        verdicts=row.verdicts,
        skips=row.skips,
        skip_rate=row.skips / answered if answered else None,
        active_seconds_median=median_of(took),
        verdicts_per_hour=_HOUR_SECONDS * row.timed / row.seconds if row.seconds else None,
        outcomes=shared and AgreementWithOutcomes(tasks=shared[0], agreement=shared[1] / shared[0]),
        gold=gold and _gold(*gold),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
    )


def median_of(values: Sequence[tuple[int, float]]) -> float | None:
    """Return the median of values that are given as (how often, value), rising; None of nothing."""
    total = sum(number for number, _ in values)
    if not total:
        return None
    ends = list(itertools.accumulate(number for number, _ in values))
    # The middle one, or the mean of the two in the middle.
    middle = [bisect.bisect_right(ends, place) for place in ((total - 1) // 2, total // 2)]
    return statistics.fmean(values[place][1] for place in middle)


def _gold(tasks: int, right: int) -> GoldAccuracy:
    low, high = accuracy_of(Record(gold=Score(tasks, right))).interval()
    return GoldAccuracy(tasks=tasks, right=right, accuracy=right / tasks, low=low, high=high)


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
