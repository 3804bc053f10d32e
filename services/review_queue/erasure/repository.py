"""Every statement of erasure."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.repository.statements import fetch, insert_new, table_of
from services.review_queue.tables import (
    EventRow,
    FeedbackRow,
    LeaseRow,
    OutcomeRow,
    TaskRow,
    TombstoneRow,
    VerdictRow,
)
from services.review_queue.tables.gold import GoldRow, ProbeRow

_tasks = table_of(TaskRow)
_verdicts = table_of(VerdictRow)
_leases = table_of(LeaseRow)
_outcomes = table_of(OutcomeRow)
_events = table_of(EventRow)
_feedback = table_of(FeedbackRow)
_gold = table_of(GoldRow)
_probes = table_of(ProbeRow)
# All that a line of a timeline may say without saying anything of the item.
_KEPT_DETAIL = frozenset({"lane", "from", "to", "label", "revision", "recorded_by"})


async def tombstone(session: AsyncSession, task_id: str) -> TombstoneRow | None:
    """Return what is left of an item, if it was erased."""
    return await session.get(TombstoneRow, task_id)


async def add_unknown(session: AsyncSession, row: dict[str, Any]) -> bool:
    """Insert an empty task for an item that people were not asked about; False if it exists."""
    return bool(await insert_new(session, TaskRow, "task_id", [row]))


async def erase_task(session: AsyncSession, task_id: str, now: datetime) -> None:
    """Take away what the task says of the item; its row stays."""
    nothing: dict[str, Any] = {"data": {}, "item_metadata": {}, "data_digest": ""}
    nothing |= {"prediction": None, "trace": None}
    await _set(session, _tasks, _tasks.c.task_id == task_id, **nothing, erased_at=now)


async def erase_said(session: AsyncSession, project: str, task_id: str, now: datetime) -> None:
    """Take away what people and models said of the item; reviewers get it as gold no more.

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
    # The lines of its timeline stay, without reasons and comments.
    lines = select(_events.c.event_id, _events.c.detail).where(_events.c.task_id == task_id)
    for line in await fetch(session, lines):
        kept = {key: value for key, value in line.detail.items() if key in _KEPT_DETAIL}
        if kept != line.detail:
            await _set(session, _events, _events.c.event_id == line.event_id, detail=kept)


async def _set(
    session: AsyncSession, table: Table, *conditions: ColumnElement[bool], **values: Any
) -> None:
    await session.execute(update(table).where(*conditions).values(**values))
