"""Every statement of erasure."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, update

from services.review_queue.repository.statements import fetch
from services.review_queue.tables import (
    EVENTS,
    LEASES,
    OUTCOMES,
    PROJECTS,
    TASKS,
    TOMBSTONES,
    VERDICTS,
)
from services.review_queue.tables.gold import GOLD, PAUSES, PROBES
from services.review_queue.tables.people import ACKNOWLEDGEMENTS, FEEDBACK, LINKS, SESSIONS, TAGS
from services.review_queue.tables.webhooks import DELIVERIES, HISTORY, TOLD, WEBHOOKS
from shared.db import Session

# What refers to tasks, and what refers to projects alone.
OF_TASKS = (VERDICTS, LEASES, OUTCOMES, EVENTS, GOLD, PROBES, TOMBSTONES)
OF_PROJECTS = (FEEDBACK, PAUSES, TAGS, LINKS, ACKNOWLEDGEMENTS, TOLD, HISTORY, WEBHOOKS)
# All that a line of a timeline may say without saying anything of the item.
_KEPT_DETAIL = frozenset({"lane", "from", "to", "label", "revision", "recorded_by"})


async def erase_task(session: Session, task_id: str, now: datetime) -> None:
    """Take away what the task says of the item; its row stays."""
    nothing: dict[str, Any] = {"data": {}, "item_metadata": {}, "data_digest": ""}
    nothing |= {"needs": "", "prediction": None, "trace": None}
    await _set(session, TASKS, TASKS.c.task_id == task_id, **nothing, erased_at=now)


async def erase_said(session: Session, project: str, task_id: str, now: datetime) -> None:
    """Take away what people and models said of the item; reviewers no longer get it as gold.

    With the digests by which an answer's comment could be guessed.
    """
    commented = select(VERDICTS.c.token).where(
        VERDICTS.c.task_id == task_id, VERDICTS.c.comment.is_not(None)
    )
    wrote = or_(LEASES.c.ending == "skip", LEASES.c.token.in_(commented))
    await _set(session, LEASES, LEASES.c.task_id == task_id, wrote, body_digest=None)
    await _set(session, VERDICTS, VERDICTS.c.task_id == task_id, comment=None)
    await _set(session, OUTCOMES, OUTCOMES.c.task_id == task_id, prediction=None)
    gold = GOLD.c.task_id == task_id
    await _set(session, GOLD, gold, explanation=None)
    await _set(session, GOLD, gold, GOLD.c.retired_at.is_(None), retired_at=now)
    probe = PROBES.c.task_id == task_id
    await _set(session, PROBES, probe, comment=None, body_digest=None)
    await _set(session, PROBES, probe, PROBES.c.ending.is_(None), ending="expiry", ended_at=now)
    about = (FEEDBACK.c.project == project, FEEDBACK.c.task_id == task_id)
    await _set(session, FEEDBACK, *about, text="")
    await _set(session, FEEDBACK, *about, FEEDBACK.c.answer.is_not(None), answer="")
    # Receivers' own words.
    own = select(WEBHOOKS.c.webhook_id).where(WEBHOOKS.c.project == project)
    sent = (HISTORY.c.webhook_id.in_(own), HISTORY.c.task_id == task_id)
    await _set(session, HISTORY, *sent, error=None)
    # The lines of its timeline stay, without reasons and comments.
    lines = select(EVENTS.c.event_id, EVENTS.c.detail).where(EVENTS.c.task_id == task_id)
    for line in await fetch(session, lines):
        kept = {key: value for key, value in line.detail.items() if key in _KEPT_DETAIL}
        if kept != line.detail:
            await _set(session, EVENTS, EVENTS.c.event_id == line.event_id, detail=kept)


async def _set(
    session: Session, table: Table, *conditions: ColumnElement[bool], **values: Any
) -> None:
    await session.execute(update(table).where(*conditions).values(**values))


async def disable_webhooks(session: Session, project: str, now: datetime) -> None:
    """Let nothing more be sent of a project."""
    await _set(session, WEBHOOKS, WEBHOOKS.c.project == project, disabled_at=now)


async def close_sessions(session: Session, project: str) -> None:
    """End the sessions of pages that may enter the project and are not for all projects."""
    scoped = select(SESSIONS.c.session_digest, SESSIONS.c.projects)
    found = await fetch(session, scoped.where(SESSIONS.c.projects.is_not(None)))
    ended = [row.session_digest for row in found if project in row.projects]
    if ended:
        await session.execute(delete(SESSIONS).where(SESSIONS.c.session_digest.in_(ended)))


async def being_deleted(session: Session) -> list[str]:
    """Return the names of the deleted projects that still have rows, or may."""
    left = (PROJECTS.c.deleted_at.is_not(None), PROJECTS.c.removed_at.is_(None))
    return [row.name for row in await fetch(session, select(PROJECTS.c.name).where(*left))]


async def remove_tasks(session: Session, project: str, limit: int) -> int:
    """Remove up to `limit` tasks of a project and all that refers to them; return how many."""
    some = select(TASKS.c.task_id).where(TASKS.c.project == project).limit(limit)
    task_ids = list((await session.execute(some.with_for_update())).scalars())
    if not task_ids:
        return 0
    reached = select(func.max(OUTCOMES.c.position)).where(OUTCOMES.c.task_id.in_(task_ids))
    last = (await session.execute(reached)).scalar_one() or 0
    farther = PROJECTS.c.last_position < last
    await _set(session, PROJECTS, PROJECTS.c.name == project, farther, last_position=last)
    for table in (*OF_TASKS, TASKS):
        await session.execute(delete(table).where(table.c.task_id.in_(task_ids)))
    return len(task_ids)


async def remove_deliveries(session: Session, project: str, limit: int) -> int:
    """Remove up to `limit` deliveries of a project's webhooks, and of their history; count them."""
    own = select(WEBHOOKS.c.webhook_id).where(WEBHOOKS.c.project == project)
    removed = 0
    for table in (DELIVERIES, HISTORY):
        some = select(table.c.delivery_id).where(table.c.webhook_id.in_(own)).limit(limit)
        gone = delete(table).where(table.c.delivery_id.in_(some)).returning(table.c.delivery_id)
        removed += len((await session.execute(gone)).all())
    return removed


async def remove_others(session: Session, project: str) -> None:
    """Remove what refers to the project itself, once it has no task and no delivery."""
    for table in OF_PROJECTS:
        await session.execute(delete(table).where(table.c.project == project))
