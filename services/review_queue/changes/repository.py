"""Every statement about changes over all projects."""

from typing import Any

from sqlalchemy import Select, func, select, update
from sqlmodel import col

from services.review_queue.lifecycle.outcomes.places import Place, mark_of
from services.review_queue.lifecycle.outcomes.repository import lock_feed
from services.review_queue.repository.statements import table_of
from services.review_queue.tables import OutcomeRow, ProjectChangeRow
from shared.contracts.changes import Change, ChangeKind
from shared.db import Session

_changes = table_of(ProjectChangeRow)
# So many rows of each kind a page is made of at most.
PAGE_ROWS = 10_000


async def unplaced(session: Session) -> bool:
    """Say whether a change waits for its place."""
    statement = select(_changes.c.change_id).where(_changes.c.position.is_(None))
    return (await session.execute(statement.limit(1))).first() is not None


async def place(session: Session) -> None:
    """Give committed changes their places, as outcomes get theirs: after commit, one at a time."""
    await lock_feed(session)
    waiting = (
        select(
            _changes.c.change_id,
            func.row_number().over(order_by=_changes.c.change_id).label("number"),
        )
        .where(_changes.c.position.is_(None))
        .cte("waiting")
    )
    last = await _last(session)
    await session.execute(
        update(_changes)
        .where(_changes.c.change_id == waiting.c.change_id)
        .values(position=last + waiting.c.number)
    )


async def _last(session: Session) -> int:
    return (await session.execute(select(func.max(_changes.c.position)))).scalar_one() or 0


async def confirmed(session: Session, found: Place) -> Place | None:
    """Return `found`, None where the database has another change there, or none."""
    if found.position == 0 or found.mark == await _mark_at(session, found.position):
        return found
    return None


async def _mark_at(session: Session, position: int) -> str | None:
    statement = select(_changes.c.project, _changes.c.revision, _changes.c.at).where(
        _changes.c.position == position
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else mark_of(row.project, row.revision, None, row.at)


async def projects_after(session: Session, after: Place) -> tuple[list[Change], Place]:
    """Return the projects that changed behind a place, and the place behind the last of them."""
    page = (
        select(_changes.c.project, _changes.c.revision, _changes.c.position)
        .where(_changes.c.position > after.position)
        .order_by(_changes.c.position)
        .limit(PAGE_ROWS)
        .subquery()
    )
    newest = func.max(page.c.revision).label("revision")
    found, position = await _newest(session, "project", page.c.project, newest, page.c.position)
    if not found:
        return [], after
    return found, Place(after.epoch, position, await _mark_at(session, position) or "")


async def outcomes_after(session: Session, after: int) -> tuple[list[Change], int]:
    """Return the projects that have outcomes behind a position, and the last of their positions."""
    page = (
        select(col(OutcomeRow.project).label("project"), col(OutcomeRow.position).label("position"))
        .where(col(OutcomeRow.position) > after)
        .order_by(col(OutcomeRow.position))
        .limit(PAGE_ROWS)
        .subquery()
    )
    newest = func.max(page.c.position).label("revision")
    return await _newest(session, "outcomes", page.c.project, newest, page.c.position)


async def _newest(
    session: Session, kind: ChangeKind, project: Any, revision: Any, position: Any
) -> tuple[list[Change], int]:
    last = func.max(position).label("last")
    statement: Select[Any] = select(project, revision, last).group_by(project).order_by(last)
    rows = (await session.execute(statement)).all()
    changes = [Change(project=row.project, kind=kind, revision=row.revision) for row in rows]
    return changes, rows[-1].last if rows else 0
