"""Statements that tell, cheaply, whether what is compared has changed."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.quality.reviewers.repository import newest_verdicts
from services.review_queue.repository.statements import table_of
from services.review_queue.tables import OutcomeRow

_outcomes = table_of(OutcomeRow)


async def verdicts_mark(session: AsyncSession, project: str, *, verdicts: int) -> tuple[Any, ...]:
    """Return what is another one whenever the newest `verdicts` that stand are others.

    Verdicts only come at the top, and only leave: their number and their ends tell of both.
    """
    place = newest_verdicts(project, verdicts).c.verdict_id
    ends = select(func.count(), func.min(place), func.max(place))
    return tuple((await session.execute(ends)).one())


async def outcomes_mark(session: AsyncSession, project: str) -> tuple[int, int]:
    """Return how many outcomes there are, and the newest's number, 0 when there is none.

    Whatever becomes of a resolved task, it is a new outcome.
    """
    newest = func.coalesce(func.max(_outcomes.c.outcome_id), 0)
    statement = select(func.count(), newest).where(_outcomes.c.project == project)
    number, last = (await session.execute(statement)).one()
    return number, last
