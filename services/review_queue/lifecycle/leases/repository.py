"""Every statement about leases, the atomic claim above all."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, false, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.review_queue.lifecycle.tasks.lanes import GROUPS, RESERVED_TURN, LaneGroup
from services.review_queue.repository.statements import table_of
from services.review_queue.tables import LeaseRow, TaskRow, VerdictRow

_EXPIRED_AT_ONCE = 500

_tasks = table_of(TaskRow)
_verdicts = table_of(VerdictRow)
_leases = table_of(LeaseRow)
_CLAIMED = tuple(
    _tasks.c[name]
    for name in (
        *("task_id", "item_id", "data", "item_metadata"),
        *("prediction", "lane_group", "lease_number", "turn", "trace"),
    )
)
# Without it the index by turn is read past all that is resolved.
_in_any_group = _tasks.c.lane_group.in_(GROUPS)


@dataclass(frozen=True)
class Claimant:
    """Who claims in which project at what moment, and until when."""

    project: str
    reviewer: str
    now: datetime
    expires_at: datetime


def _for_all(now: datetime) -> ColumnElement[bool]:
    # An open task is available at once, a leased one from its lease's expiry: so the claim itself
    # sees expiry, and needs no worker.
    expired = and_(_tasks.c.lane == "optional", func.coalesce(_tasks.c.due_at <= now, false()))
    return and_(_tasks.c.available_at <= now, ~expired)


def _reserved_for(reviewer: str) -> ColumnElement[bool]:
    return and_(_tasks.c.state == "open", _tasks.c.reserved_for == reviewer)


def _kept_for(reviewer: str, now: datetime) -> ColumnElement[bool]:
    # What he gave back is anybody's, and may have expired since.
    return and_(_reserved_for(reviewer), or_(_tasks.c.available_at > now, _for_all(now)))


def _came_back(reviewer: str, now: datetime) -> ColumnElement[bool]:
    # What he took back or gave back himself: his before all others, whichever group it is of.
    return and_(_kept_for(reviewer, now), _tasks.c.turn == RESERVED_TURN)


def _put_off(reviewer: str, now: datetime) -> ColumnElement[bool]:
    # What he skipped "to me": its turn is that of all others, but for him it comes behind them.
    return and_(_reserved_for(reviewer), _tasks.c.turn != RESERVED_TURN, ~_for_all(now))


def _claimable(project: str, reviewer: str, available: ColumnElement[bool]) -> ColumnElement[bool]:
    answered = (
        select(_verdicts.c.verdict_id)
        .where(
            _verdicts.c.task_id == _tasks.c.task_id,
            _verdicts.c.reviewer == reviewer,
            _verdicts.c.withdrawn_at.is_(None),
        )
        .exists()
    )
    return and_(_tasks.c.project == project, _tasks.c.turn.is_not(None), available, ~answered)


def _obtainable(project: str, reviewer: str, now: datetime) -> ColumnElement[bool]:
    available = or_(_for_all(now), _kept_for(reviewer, now))
    return and_(_claimable(project, reviewer, available), _in_any_group)


async def claim_own(session: AsyncSession, who: Claimant, count: int) -> Sequence[Row[Any]]:
    """Claim up to `count` tasks that have come back from the reviewer; return them as leased."""
    came_back = _came_back(who.reviewer, who.now)
    wanted = and_(_claimable(who.project, who.reviewer, came_back), _in_any_group)
    return await _claim(session, who, wanted, count)


async def claim(
    session: AsyncSession, who: Claimant, group: LaneGroup, count: int
) -> Sequence[Row[Any]]:
    """Claim up to `count` tasks of one group, first turn first; return them as leased."""
    wanted = and_(
        _claimable(who.project, who.reviewer, _for_all(who.now)),
        _tasks.c.lane_group == group,
    )
    return await _claim(session, who, wanted, count)


async def claim_put_off(session: AsyncSession, who: Claimant, count: int) -> Sequence[Row[Any]]:
    """Claim up to `count` tasks that the reviewer has put off, while they wait for him alone."""
    wanted = and_(
        _claimable(who.project, who.reviewer, _put_off(who.reviewer, who.now)), _in_any_group
    )
    return await _claim(session, who, wanted, count)


async def _claim(
    session: AsyncSession, who: Claimant, wanted: ColumnElement[bool], count: int
) -> Sequence[Row[Any]]:
    """Claim up to `count` tasks, first turn first; return them as leased.

    One statement, so that no two claims get the same task. PostgreSQL skips what another claim
    holds; SQLite, which knows no row locks, has one writer.
    """
    candidates: Select[Any] = (
        select(_tasks.c.task_id)
        .where(wanted)
        .order_by(_tasks.c.turn)
        .limit(count)
        .with_for_update(skip_locked=True, of=_tasks)
    )
    # A common table expression is evaluated once; a bare subquery may be run again for each row,
    # and then locks more than `count`.
    picked = candidates.cte("picked")
    statement = (
        update(_tasks)
        .where(_tasks.c.task_id.in_(select(picked.c.task_id)))
        .values(
            state="leased",
            holder=who.reviewer,
            reserved_for=None,
            available_at=who.expires_at,
            lease_number=_tasks.c.lease_number + 1,
        )
        .returning(*_CLAIMED)
    )
    rows = (await session.execute(statement)).all()
    return sorted(rows, key=lambda row: (row.turn, row.task_id))


async def anything_claimable(
    session: AsyncSession, project: str, reviewer: str, now: datetime
) -> bool:
    """Say whether a claim would find something; for those who wait, and who should not lock."""
    wanted = _obtainable(project, reviewer, now)
    statement = select(_tasks.c.task_id).where(wanted).limit(1)
    return (await session.execute(statement)).first() is not None


async def claimable_number(
    session: AsyncSession, project: str, reviewer: str, now: datetime, limit: int
) -> int:
    """Return how many tasks a claim would find, at most `limit`."""
    wanted = _obtainable(project, reviewer, now)
    found = select(_tasks.c.task_id).where(wanted).limit(limit)
    statement = select(func.count()).select_from(found.subquery())
    return (await session.execute(statement)).scalar_one()


async def add(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Write leases."""
    await session.execute(insert(_leases), rows)


async def end_expired(
    session: AsyncSession, task_ids: Collection[str], now: datetime
) -> Sequence[Row[Any]]:
    """End the leases of these tasks that nobody ended; return (task, reviewer, expiry) of each."""
    statement = (
        update(_leases)
        .where(_leases.c.task_id.in_(task_ids), _leases.c.ended_at.is_(None))
        .values(ending="expiry", ended_at=now)
        .returning(_leases.c.task_id, _leases.c.reviewer, _leases.c.expires_at)
    )
    return (await session.execute(statement)).all()


async def held_number(session: AsyncSession, project: str, now: datetime) -> int:
    """Return how many tasks of a project are held; it reads what is held now, and no more."""
    statement = (
        select(func.count())
        .select_from(_leases.join(_tasks, _tasks.c.task_id == _leases.c.task_id))
        .where(
            _leases.c.ended_at.is_(None), _leases.c.expires_at > now, _tasks.c.project == project
        )
    )
    return (await session.execute(statement)).scalar_one()


async def overdue(session: AsyncSession, now: datetime) -> list[str]:
    """Return tasks whose lease has expired without an end."""
    statement = (
        select(_leases.c.task_id)
        .where(_leases.c.ended_at.is_(None), _leases.c.expires_at <= now)
        .limit(_EXPIRED_AT_ONCE)
    )
    return list((await session.execute(statement)).scalars())


async def open_expired(
    session: AsyncSession, task_ids: Collection[str], now: datetime
) -> dict[str, str]:
    """Open those of the tasks that are still leased past their expiry; return their projects.

    The task is locked before its lease, as everywhere: the two orders would wait in a circle.
    """
    still = (
        select(_tasks.c.task_id)
        .where(
            _tasks.c.task_id.in_(task_ids),
            _tasks.c.state == "leased",
            _tasks.c.available_at <= now,
        )
        .with_for_update(skip_locked=True, of=_tasks)
        .cte("still")
    )
    statement = (
        update(_tasks)
        .where(_tasks.c.task_id.in_(select(still.c.task_id)))
        .values(state="open", holder=None)
        .returning(_tasks.c.task_id, _tasks.c.project)
    )
    return {row.task_id: row.project for row in await session.execute(statement)}


async def lock(session: AsyncSession, token: str) -> tuple[TaskRow, LeaseRow] | None:
    """Return the lease of `token` and its task, kept from everybody else; None when unknown."""
    task_id = select(col(LeaseRow.task_id)).where(col(LeaseRow.token) == token).scalar_subquery()
    statement = select(TaskRow).where(col(TaskRow.task_id) == task_id).with_for_update()
    task = (await session.execute(statement)).scalar_one_or_none()
    if task is None:
        return None
    # Read after the lock was got: whoever held it before may have ended this lease.
    lease = await session.get(LeaseRow, token)
    return None if lease is None else (task, lease)


async def active_seconds(session: AsyncSession, project: str, newest: int) -> list[float]:
    """Return how long people were at work on each of the newest tasks that say so, in seconds."""
    statement = (
        select(_verdicts.c.active_seconds)
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .where(_tasks.c.project == project, _verdicts.c.active_seconds.is_not(None))
        .order_by(_verdicts.c.verdict_id.desc())
        .limit(newest)
    )
    return list((await session.execute(statement)).scalars())


# What a reviewer was told when he gave the label says whether the others agree with it.
_took_a_label_back = and_(
    _leases.c.ending == "undo",
    select(_verdicts.c.verdict_id)
    .where(
        _verdicts.c.task_id == _leases.c.task_id,
        _verdicts.c.token == _leases.c.token,
        _verdicts.c.label.is_not(None),
    )
    .exists(),
)


async def has_seen(session: AsyncSession, task_id: str, reviewer: str) -> bool:
    """Say whether any lease of the task showed this reviewer a suggestion, or an outcome.

    A label that he gave and took back counts: the state of the task told him whether others agree.
    """
    statement = select(_leases.c.token).where(
        _leases.c.task_id == task_id,
        _leases.c.reviewer == reviewer,
        or_(
            _leases.c.suggestion_shown.is_(True),
            _leases.c.outcome_revision.is_not(None),
            _took_a_label_back,
        ),
    )
    return (await session.execute(statement.limit(1))).first() is not None


async def was_a_label_taken_back(session: AsyncSession, task_id: str) -> bool:
    """Say whether any reviewer of the task took a label back."""
    statement = select(_leases.c.token).where(_leases.c.task_id == task_id, _took_a_label_back)
    return (await session.execute(statement.limit(1))).first() is not None


async def current(session: AsyncSession, task: TaskRow) -> LeaseRow | None:
    """Return the task's newest lease."""
    statement = select(LeaseRow).where(
        col(LeaseRow.task_id) == task.task_id, col(LeaseRow.number) == task.lease_number
    )
    return (await session.execute(statement)).scalar_one_or_none()
