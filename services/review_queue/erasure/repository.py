"""Every statement that takes content away."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.repository.statements import insert_new, table_of
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
    """Insert an empty task for an item that nobody was asked about; False when there is one."""
    return bool(await insert_new(session, TaskRow, "task_id", [row]))


async def erase_task(session: AsyncSession, task_id: str, now: datetime) -> None:
    """Take away what the task says of the item; its row stays."""
    nothing: dict[str, Any] = {
        "data": {},
        "item_metadata": {},
        "data_digest": "",
        "prediction": None,
    }
    erased = update(_tasks).where(_tasks.c.task_id == task_id)
    await session.execute(erased.values(**nothing, trace=None, erased_at=now))


async def erase_answers(session: AsyncSession, task_id: str) -> None:
    """Take away what people wrote about the item, and the digests by which it could be guessed."""
    wrote = select(_verdicts.c.token).where(
        _verdicts.c.task_id == task_id, _verdicts.c.comment.is_not(None)
    )
    await session.execute(
        update(_leases)
        .where(
            _leases.c.task_id == task_id,
            or_(_leases.c.ending == "skip", _leases.c.token.in_(wrote)),
        )
        .values(body_digest=None)
    )
    await session.execute(
        update(_verdicts).where(_verdicts.c.task_id == task_id).values(comment=None)
    )


async def erase_predictions(session: AsyncSession, task_id: str) -> None:
    """Take away what models said of the item, in all revisions of its outcome."""
    await session.execute(
        update(_outcomes).where(_outcomes.c.task_id == task_id).values(prediction=None)
    )


async def erase_gold(session: AsyncSession, task_id: str, now: datetime) -> None:
    """Take away what was written about the item as gold; nobody gets it as such any more."""
    label = _gold.c.task_id == task_id
    await session.execute(update(_gold).where(label).values(explanation=None))
    standing = update(_gold).where(label, _gold.c.retired_at.is_(None))
    await session.execute(standing.values(retired_at=now))
    probe = _probes.c.task_id == task_id
    await session.execute(update(_probes).where(probe).values(comment=None, body_digest=None))
    live = update(_probes).where(probe, _probes.c.ending.is_(None))
    await session.execute(live.values(ending="expiry", ended_at=now))


async def erase_feedback(session: AsyncSession, project: str, task_id: str) -> None:
    """Take away what was said of the item, and what was answered."""
    about = (_feedback.c.project == project, _feedback.c.task_id == task_id)
    await session.execute(update(_feedback).where(*about).values(text=""))
    answered = update(_feedback).where(*about, _feedback.c.answer.is_not(None))
    await session.execute(answered.values(answer=""))


async def erase_timeline(session: AsyncSession, task_id: str) -> None:
    """Take reasons and comments out of the lines of the item's timeline; the lines stay."""
    lines: Sequence[Any] = (
        await session.execute(
            select(_events.c.event_id, _events.c.detail).where(_events.c.task_id == task_id)
        )
    ).all()
    for line in lines:
        kept = {key: value for key, value in line.detail.items() if key in _KEPT_DETAIL}
        if kept != line.detail:
            await session.execute(
                update(_events).where(_events.c.event_id == line.event_id).values(detail=kept)
            )
