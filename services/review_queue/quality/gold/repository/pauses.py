"""Every statement about pauses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from services.review_queue.repository.statements import insert_new
from services.review_queue.tables.gold import PAUSES, PauseRow
from shared.db import Session

_stands = PAUSES.c.resumed_at.is_(None)


async def add(session: Session, row: dict[str, Any]) -> bool:
    """Pause a reviewer; False if already paused."""
    return bool(await insert_new(session, PauseRow, "reviewer", [row]))


async def end(
    session: Session, project: str, reviewer: str, resumed_by: str, now: datetime
) -> bool:
    """Resume a reviewer; False if not paused."""
    statement = (
        update(PAUSES)
        .where(PAUSES.c.project == project, PAUSES.c.reviewer == reviewer, _stands)
        .values(resumed_by=resumed_by, resumed_at=now)
        .returning(PAUSES.c.pause_id)
    )
    return (await session.execute(statement)).first() is not None


async def standing(session: Session, project: str, names: Sequence[str]) -> dict[str, PauseRow]:
    """Return the pauses of a page of reviewers, in order and without gaps."""
    statement = select(PauseRow).where(
        PAUSES.c.project == project,
        PAUSES.c.reviewer.between(names[0], names[-1]),
        _stands,
    )
    return {row.reviewer: row for row in (await session.execute(statement)).scalars()}


async def paused(session: Session, project: str) -> frozenset[str]:
    """Return who is paused in a project."""
    statement = select(PAUSES.c.reviewer).where(PAUSES.c.project == project, _stands)
    return frozenset((await session.execute(statement)).scalars())


async def resumptions(
    session: Session, project: str, reviewer: str | None = None
) -> dict[str, datetime]:
    """Return when each reviewer of a project, or this one, was last resumed."""
    statement = (
        select(PAUSES.c.reviewer, func.max(PAUSES.c.resumed_at).label("at"))
        .where(PAUSES.c.project == project, PAUSES.c.resumed_at.is_not(None))
        .group_by(PAUSES.c.reviewer)
    )
    if reviewer is not None:
        statement = statement.where(PAUSES.c.reviewer == reviewer)
    return {row.reviewer: row.at for row in await session.execute(statement)}
