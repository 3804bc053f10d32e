"""SQL of decisions a day."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, case, delete, func, select
from sqlmodel import col

from services.trainer.ledger.days.counting import DayCount, DayKey
from services.trainer.tables import LedgerDay, rows_of
from shared.db import Session


async def add(session: Session, project: str, counts: Mapping[DayKey, DayCount]) -> None:
    """Add to the counts of a project, whose state the transaction has locked."""
    days = {key.day for key in counts}
    wanted = (col(LedgerDay.project) == project, col(LedgerDay.day).in_(days))
    rows = await rows_of(session, LedgerDay, *wanted)
    known = {DayKey(row.day, row.version, row.reason): row for row in rows}
    for key, count in counts.items():
        row = known.get(key)
        if row is None:
            session.add(LedgerDay(project=project, **key._asdict(), **vars(count)))
        else:
            row.decisions += count.decisions
            # Another list: a change within a JSON column is not noticed.
            row.confidences = [
                old + new for old, new in zip(row.confidences, count.confidences, strict=True)
            ]


async def since(
    session: Session, project: str, day: str, version: str | None
) -> Sequence[LedgerDay]:
    """Return the counts of a project from a day on, of all versions or one, oldest first."""
    wanted = [col(LedgerDay.project) == project, col(LedgerDay.day) >= day]
    wanted += [] if version is None else [col(LedgerDay.version) == version]
    order = (col(LedgerDay.day), col(LedgerDay.reason), col(LedgerDay.version))
    return await rows_of(session, LedgerDay, *wanted, order=order)


async def of_projects(
    session: Session, projects: Collection[str], day: str, answered: str
) -> Sequence[Row[Any]]:
    """Return (project, day, decisions, answered) from a day on, oldest first.

    `answered` counts the decisions with that reason.
    """
    decisions = col(LedgerDay.decisions)
    query = (
        select(
            col(LedgerDay.project),
            col(LedgerDay.day),
            func.sum(decisions).label("decisions"),
            func.sum(case((col(LedgerDay.reason) == answered, decisions), else_=0)).label(
                "answered"
            ),
        )
        .where(col(LedgerDay.project).in_(projects), col(LedgerDay.day) >= day)
        .group_by(col(LedgerDay.project), col(LedgerDay.day))
        .order_by(col(LedgerDay.project), col(LedgerDay.day))
    )
    rows: Sequence[Row[Any]] = (await session.execute(query)).all()
    return rows


async def forget(session: Session, project: str, before: str) -> None:
    """Delete the counts of days before the day `before`."""
    await session.execute(
        delete(LedgerDay).where(col(LedgerDay.project) == project, col(LedgerDay.day) < before)
    )
