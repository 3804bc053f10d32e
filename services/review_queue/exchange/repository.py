"""Every statement of import and export."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from services.review_queue.exchange.records import STANDING
from services.review_queue.lifecycle.tasks.repository import Listing, TaskFilter, state_at
from services.review_queue.repository.statements import fetch, is_postgresql
from services.review_queue.tables import LEASES, TASKS, VERDICTS
from shared.db import Session

# The keys of a record's item and prediction, and of an answer in it, that are columns.
_GIVEN = ("lane", "due_at", "prediction")
_SAID = ("reviewer", "label", "skipped", "comment", "active_seconds", "blind", "given_at")


async def view(session: Session) -> None:
    """Let all that this session reads be of one moment; on SQLite it is anyway."""
    if is_postgresql(session):
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


async def page(
    session: Session,
    project: str,
    wanted: TaskFilter,
    *,
    now: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return tasks of a project as records without their verdicts, oldest first, no erased ones."""
    item = (TASKS.c.item_id, TASKS.c.data, TASKS.c.item_metadata.label("metadata"))
    state = {"state": state_at(now).label("state")}
    columns = (state[key] if key in state else TASKS.c[key] for key in (*_GIVEN, *STANDING))
    listed = Listing(project, wanted, now).select(*item, *columns, after=after)
    return await fetch(session, listed.where(TASKS.c.erased_at.is_(None)).limit(limit))


async def standing(session: Session, task_ids: Collection[str]) -> Sequence[Row[Any]]:
    """Return the answers to these tasks that were not taken back, in the order they came in."""
    read = func.coalesce(VERDICTS.c.instructions_revision, LEASES.c.instructions_revision)
    said = (VERDICTS.c[key] for key in ("task_id", *_SAID))
    statement = (
        select(*said, read.label("instructions_revision"))
        .outerjoin(LEASES, LEASES.c.token == VERDICTS.c.token)
        .where(VERDICTS.c.task_id.in_(task_ids), VERDICTS.c.withdrawn_at.is_(None))
        .order_by(VERDICTS.c.verdict_id)
    )
    return await fetch(session, statement)
