"""Every statement of erasure."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, update

from services.review_queue.repository.statements import fetch, insert_new, table_of
from services.review_queue.tables import (
    EventRow,
    LeaseRow,
    OutcomeRow,
    ProjectRow,
    TaskRow,
    TombstoneRow,
    VerdictRow,
)
from services.review_queue.tables.gold import GoldRow, PauseRow, ProbeRow
from services.review_queue.tables.people import (
    AcknowledgementRow,
    FeedbackRow,
    LinkRow,
    ReviewerTagsRow,
    SessionRow,
)
from services.review_queue.tables.webhooks import DeliveryRow, HistoryRow, ToldRow, WebhookRow
from shared.db import Session

_tasks = table_of(TaskRow)
_verdicts = table_of(VerdictRow)
_leases = table_of(LeaseRow)
_outcomes = table_of(OutcomeRow)
_events = table_of(EventRow)
_feedback = table_of(FeedbackRow)
_gold = table_of(GoldRow)
_probes = table_of(ProbeRow)
_tombstones = table_of(TombstoneRow)
_projects = table_of(ProjectRow)
_webhooks = table_of(WebhookRow)
_deliveries = table_of(DeliveryRow)
_history = table_of(HistoryRow)
_sessions = table_of(SessionRow)
# What refers to tasks, and what refers to projects alone.
OF_TASKS = (_verdicts, _leases, _outcomes, _events, _gold, _probes, _tombstones)
OF_PROJECTS = (
    _feedback,
    table_of(PauseRow),
    table_of(ReviewerTagsRow),
    table_of(LinkRow),
    table_of(AcknowledgementRow),
    table_of(ToldRow),
    _history,
    _webhooks,
)
# All that a line of a timeline may say without saying anything of the item.
_KEPT_DETAIL = frozenset({"lane", "from", "to", "label", "revision", "recorded_by"})


async def tombstone(session: Session, task_id: str) -> TombstoneRow | None:
    """Return what is left of an item, if it was erased."""
    return await session.get(TombstoneRow, task_id)


async def add_unknown(session: Session, row: dict[str, Any]) -> bool:
    """Insert an empty task for an item that people were not asked about; False if it exists."""
    return bool(await insert_new(session, TaskRow, "task_id", [row]))


async def erase_task(session: Session, task_id: str, now: datetime) -> None:
    """Take away what the task says of the item; its row stays."""
    nothing: dict[str, Any] = {"data": {}, "item_metadata": {}, "data_digest": ""}
    nothing |= {"needs": "", "prediction": None, "trace": None}
    await _set(session, _tasks, _tasks.c.task_id == task_id, **nothing, erased_at=now)


async def erase_said(session: Session, project: str, task_id: str, now: datetime) -> None:
    """Take away what people and models said of the item; reviewers no longer get it as gold.

    With the digests by which an answer's comment could be guessed.
    """
    commented = select(_verdicts.c.token).where(
        _verdicts.c.task_id == task_id, _verdicts.c.comment.is_not(None)
    )
    wrote = or_(_leases.c.ending == "skip", _leases.c.token.in_(commented))
    await _set(session, _leases, _leases.c.task_id == task_id, wrote, body_digest=None)
    await _set(session, _verdicts, _verdicts.c.task_id == task_id, comment=None)
    await _set(session, _outcomes, _outcomes.c.task_id == task_id, prediction=None)
    gold = _gold.c.task_id == task_id
    await _set(session, _gold, gold, explanation=None)
    await _set(session, _gold, gold, _gold.c.retired_at.is_(None), retired_at=now)
    probe = _probes.c.task_id == task_id
    await _set(session, _probes, probe, comment=None, body_digest=None)
    await _set(session, _probes, probe, _probes.c.ending.is_(None), ending="expiry", ended_at=now)
    about = (_feedback.c.project == project, _feedback.c.task_id == task_id)
    await _set(session, _feedback, *about, text="")
    await _set(session, _feedback, *about, _feedback.c.answer.is_not(None), answer="")
    # Receivers' own words.
    own = select(_webhooks.c.webhook_id).where(_webhooks.c.project == project)
    sent = (_history.c.webhook_id.in_(own), _history.c.task_id == task_id)
    await _set(session, _history, *sent, error=None)
    # The lines of its timeline stay, without reasons and comments.
    lines = select(_events.c.event_id, _events.c.detail).where(_events.c.task_id == task_id)
    for line in await fetch(session, lines):
        kept = {key: value for key, value in line.detail.items() if key in _KEPT_DETAIL}
        if kept != line.detail:
            await _set(session, _events, _events.c.event_id == line.event_id, detail=kept)


async def _set(
    session: Session, table: Table, *conditions: ColumnElement[bool], **values: Any
) -> None:
    await session.execute(update(table).where(*conditions).values(**values))


async def disable_webhooks(session: Session, project: str, now: datetime) -> None:
    """Let nothing more be sent of a project."""
    await _set(session, _webhooks, _webhooks.c.project == project, disabled_at=now)


async def close_sessions(session: Session, project: str) -> None:
    """End the sessions of pages that may enter the project and are not for all projects."""
    scoped = select(_sessions.c.session_digest, _sessions.c.projects)
    found = await fetch(session, scoped.where(_sessions.c.projects.is_not(None)))
    ended = [row.session_digest for row in found if project in row.projects]
    if ended:
        await session.execute(delete(_sessions).where(_sessions.c.session_digest.in_(ended)))


async def being_deleted(session: Session) -> list[str]:
    """Return the names of the deleted projects that still have rows, or may."""
    left = (_projects.c.deleted_at.is_not(None), _projects.c.removed_at.is_(None))
    return [row.name for row in await fetch(session, select(_projects.c.name).where(*left))]


async def remove_tasks(session: Session, project: str, limit: int) -> int:
    """Remove up to `limit` tasks of a project and all that refers to them; return how many."""
    some = select(_tasks.c.task_id).where(_tasks.c.project == project).limit(limit)
    task_ids = list((await session.execute(some.with_for_update())).scalars())
    if not task_ids:
        return 0
    reached = select(func.max(_outcomes.c.position)).where(_outcomes.c.task_id.in_(task_ids))
    last = (await session.execute(reached)).scalar_one() or 0
    farther = _projects.c.last_position < last
    await _set(session, _projects, _projects.c.name == project, farther, last_position=last)
    for table in (*OF_TASKS, _tasks):
        await session.execute(delete(table).where(table.c.task_id.in_(task_ids)))
    return len(task_ids)


async def remove_deliveries(session: Session, project: str, limit: int) -> int:
    """Remove up to `limit` deliveries of a project's webhooks, and of their history; count them."""
    own = select(_webhooks.c.webhook_id).where(_webhooks.c.project == project)
    removed = 0
    for table in (_deliveries, _history):
        some = select(table.c.delivery_id).where(table.c.webhook_id.in_(own)).limit(limit)
        gone = delete(table).where(table.c.delivery_id.in_(some)).returning(table.c.delivery_id)
        removed += len((await session.execute(gone)).all())
    return removed


async def remove_others(session: Session, project: str) -> None:
    """Remove what refers to the project itself, once it has no task and no delivery."""
    for table in OF_PROJECTS:
        await session.execute(delete(table).where(table.c.project == project))
