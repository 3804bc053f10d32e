"""Every statement about times: of resolved tasks, and of arrivals and services."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, exists, func, or_, select

from services.review_queue.repository.statements import count_where, fetch, table_of
from services.review_queue.tables import LeaseRow, OutcomeRow, TaskRow, VerdictRow
from services.review_queue.timings.holding import LeaseInterval
from shared.contracts.tasks import REVIEWED_SOURCES
from shared.db import Session

_tasks = table_of(TaskRow)
_leases = table_of(LeaseRow)
_verdicts = table_of(VerdictRow)
_outcomes = table_of(OutcomeRow)
_labelled = and_(_outcomes.c.label.is_not(None), _outcomes.c.source.in_(REVIEWED_SOURCES))


async def resolved(
    session: Session, project: str, since: datetime | None, newest: int
) -> Sequence[Row[Any]]:
    """Return the newest outcomes that people labelled, with the task's moments, newest first.

    `leased_at` is when the task was leased first.
    """
    first_lease = (
        select(func.min(_leases.c.leased_at))
        .where(_leases.c.task_id == _tasks.c.task_id)
        .scalar_subquery()
    )
    statement: Select[Any] = (
        select(
            _tasks.c.task_id,
            _tasks.c.created_at,
            first_lease.label("leased_at"),
            _outcomes.c.prediction,
            _outcomes.c.label,
            _outcomes.c.position,
            _outcomes.c.resolved_at,
        )
        .join(
            _tasks,
            and_(
                _tasks.c.task_id == _outcomes.c.task_id, _tasks.c.revision == _outcomes.c.revision
            ),
        )
        .where(
            _outcomes.c.project == project,
            _labelled,
            # Its last outcome tells of the erasure, and not of when people were done.
            _tasks.c.erased_at.is_(None),
        )
        .order_by(_outcomes.c.outcome_id.desc())
        .limit(newest)
    )
    if since is not None:
        statement = statement.where(_outcomes.c.resolved_at >= since)
    return await fetch(session, statement)


async def answers(session: Session, task_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Return the verdicts that stand: task, when, active seconds, and when it had been leased.

    `answered_at` is when the same reviewer had answered anything before, None for never: until then
    a task held ahead was waiting behind another.
    """
    earlier = _verdicts.alias()
    answered_at = (
        select(earlier.c.given_at)
        .where(
            earlier.c.reviewer == _verdicts.c.reviewer,
            earlier.c.given_at <= _verdicts.c.given_at,
            # Answers of one moment come in the order in which they were recorded.
            or_(
                earlier.c.given_at < _verdicts.c.given_at,
                earlier.c.verdict_id < _verdicts.c.verdict_id,
            ),
        )
        .order_by(earlier.c.given_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement: Select[Any] = (
        select(
            _verdicts.c.task_id,
            _verdicts.c.given_at,
            _verdicts.c.active_seconds,
            _leases.c.leased_at,
            answered_at.label("answered_at"),
        )
        .outerjoin(_leases, _leases.c.token == _verdicts.c.token)
        .where(
            _verdicts.c.task_id.in_(task_ids),
            _verdicts.c.withdrawn_at.is_(None),
            _verdicts.c.skipped.is_(False),
        )
    )
    return await fetch(session, statement)


# Not what came with its label.
_WORKED_ON = or_(
    _tasks.c.state != "resolved",
    _tasks.c.source.not_in(REVIEWED_SOURCES),
    _tasks.c.lease_number > 0,
    exists().where(_verdicts.c.task_id == _tasks.c.task_id),
)


async def arrived(
    session: Session, project: str, since: datetime, until: datetime, most: int
) -> dict[str, int]:
    """Count the tasks that came in a stretch of time by lane, of the newest `most` of them."""
    came = (
        select(_tasks.c.lane)
        .where(
            _tasks.c.project == project,
            _tasks.c.created_at >= since,
            _tasks.c.created_at < until,
            _WORKED_ON,
        )
        .order_by(_tasks.c.created_at.desc())
        .limit(most)
        .subquery()
    )
    counted = select(came.c.lane, func.count().label("number")).group_by(came.c.lane)
    return {row.lane: row.number for row in await fetch(session, counted)}


async def answers_each(session: Session, project: str, newest: int) -> float | None:
    """Return the mean of the verdicts of the newest outcomes that rest on any; None for none."""
    some = (
        select(_outcomes.c.verdicts)
        .where(_outcomes.c.project == project)
        .order_by(_outcomes.c.position.desc())
        .limit(newest)
        .subquery()
    )
    mean = select(func.avg(some.c.verdicts)).where(some.c.verdicts > 0)
    found = (await session.execute(mean)).scalar_one()
    return None if found is None else float(found)


@dataclass(frozen=True)
class Flow:
    """What came and went in a stretch of time: tasks, verdicts, reviewers."""

    arrived: int
    mandatory_arrived: int
    optional_arrived: int
    resolved: int
    verdicts: int
    reviewers: int


async def flow(session: Session, project: str, since: datetime) -> Flow:
    """Count what has come and gone since `since`, but for what came with its label."""
    came = _tasks.c.created_at >= since
    # People have not worked on what expired.
    went = and_(_tasks.c.resolved_at >= since, _tasks.c.source.in_(REVIEWED_SOURCES))
    moved = await session.execute(
        select(
            count_where(came),
            count_where(and_(came, _tasks.c.lane_group == "mandatory")),
            count_where(and_(came, _tasks.c.lane_group == "optional")),
            count_where(went),
        ).where(_tasks.c.project == project, or_(came, went), _WORKED_ON)
    )
    gave = await session.execute(
        select(func.count(), func.count(_verdicts.c.reviewer.distinct()))
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .where(
            _tasks.c.project == project,
            _verdicts.c.given_at >= since,
            _verdicts.c.withdrawn_at.is_(None),
        )
    )
    return Flow(*moved.one(), *gave.one())


async def held_since(
    session: Session, project: str, since: datetime, newest: int
) -> list[LeaseInterval]:
    """Return by whom, from when and to when each of the newest answered leases was held."""
    # Not a join: SQLite would begin with all tasks of the project.
    in_project = exists().where(_tasks.c.task_id == _leases.c.task_id, _tasks.c.project == project)
    statement = (
        select(_leases.c.reviewer, _leases.c.leased_at, _leases.c.ended_at)
        .where(
            in_project,
            _leases.c.ended_at >= since,
            _leases.c.ending.in_(("verdict", "skip")),
        )
        .order_by(_leases.c.ended_at.desc())
        .limit(newest)
    )
    return [LeaseInterval(*row) for row in (await session.execute(statement)).all()]
