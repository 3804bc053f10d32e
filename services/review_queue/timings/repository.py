"""Every statement about times: of resolved tasks, and of arrivals and services."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, exists, func, or_, select

from services.review_queue.repository.statements import count_where, fetch
from services.review_queue.tables import LEASES, OUTCOMES, TASKS, VERDICTS
from services.review_queue.timings.holding import LeaseInterval
from shared.contracts.tasks import REVIEWED_SOURCES
from shared.db import Session

_labelled = and_(OUTCOMES.c.label.is_not(None), OUTCOMES.c.source.in_(REVIEWED_SOURCES))


async def resolved(
    session: Session, project: str, since: datetime | None, newest: int
) -> Sequence[Row[Any]]:
    """Return the newest outcomes that people labelled, with the task's moments, newest first.

    `leased_at` is when the task was leased first.
    """
    first_lease = (
        select(func.min(LEASES.c.leased_at))
        .where(LEASES.c.task_id == TASKS.c.task_id)
        .scalar_subquery()
    )
    statement: Select[Any] = (
        select(
            TASKS.c.task_id,
            TASKS.c.created_at,
            first_lease.label("leased_at"),
            OUTCOMES.c.prediction,
            OUTCOMES.c.label,
            OUTCOMES.c.position,
            OUTCOMES.c.resolved_at,
        )
        .join(
            TASKS,
            and_(TASKS.c.task_id == OUTCOMES.c.task_id, TASKS.c.revision == OUTCOMES.c.revision),
        )
        .where(
            OUTCOMES.c.project == project,
            _labelled,
            # Its last outcome tells of the erasure, and not of when people were done.
            TASKS.c.erased_at.is_(None),
        )
        .order_by(OUTCOMES.c.outcome_id.desc())
        .limit(newest)
    )
    if since is not None:
        statement = statement.where(OUTCOMES.c.resolved_at >= since)
    return await fetch(session, statement)


async def answers(session: Session, task_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Return the verdicts that stand: task, when, active seconds, and when it had been leased.

    `answered_at` is when the same reviewer had answered anything before, None for never: until then
    a task held ahead was waiting behind another.
    """
    earlier = VERDICTS.alias()
    answered_at = (
        select(earlier.c.given_at)
        .where(
            earlier.c.reviewer == VERDICTS.c.reviewer,
            earlier.c.given_at <= VERDICTS.c.given_at,
            # Answers of one moment come in the order in which they were recorded.
            or_(
                earlier.c.given_at < VERDICTS.c.given_at,
                earlier.c.verdict_id < VERDICTS.c.verdict_id,
            ),
        )
        .order_by(earlier.c.given_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement: Select[Any] = (
        select(
            VERDICTS.c.task_id,
            VERDICTS.c.given_at,
            VERDICTS.c.active_seconds,
            LEASES.c.leased_at,
            answered_at.label("answered_at"),
        )
        .outerjoin(LEASES, LEASES.c.token == VERDICTS.c.token)
        .where(
            VERDICTS.c.task_id.in_(task_ids),
            VERDICTS.c.withdrawn_at.is_(None),
            VERDICTS.c.skipped.is_(False),
        )
    )
    return await fetch(session, statement)


# Not what came with its label.
_WORKED_ON = or_(
    TASKS.c.state != "resolved",
    TASKS.c.source.not_in(REVIEWED_SOURCES),
    TASKS.c.lease_number > 0,
    exists().where(VERDICTS.c.task_id == TASKS.c.task_id),
)


async def arrived(
    session: Session, project: str, since: datetime, until: datetime, most: int
) -> dict[str, int]:
    """Count the tasks that came in a stretch of time by lane, of the newest `most` of them."""
    came = (
        select(TASKS.c.lane)
        .where(
            TASKS.c.project == project,
            TASKS.c.created_at >= since,
            TASKS.c.created_at < until,
            _WORKED_ON,
        )
        .order_by(TASKS.c.created_at.desc())
        .limit(most)
        .subquery()
    )
    counted = select(came.c.lane, func.count().label("number")).group_by(came.c.lane)
    return {row.lane: row.number for row in await fetch(session, counted)}


async def answers_each(session: Session, project: str, newest: int) -> float | None:
    """Return the mean of the verdicts of the newest outcomes that rest on any; None for none."""
    some = (
        select(OUTCOMES.c.verdicts)
        .where(OUTCOMES.c.project == project)
        .order_by(OUTCOMES.c.position.desc())
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
    came = TASKS.c.created_at >= since
    # People have not worked on what expired.
    went = and_(TASKS.c.resolved_at >= since, TASKS.c.source.in_(REVIEWED_SOURCES))
    moved = await session.execute(
        select(
            count_where(came),
            count_where(and_(came, TASKS.c.lane_group == "mandatory")),
            count_where(and_(came, TASKS.c.lane_group == "optional")),
            count_where(went),
        ).where(TASKS.c.project == project, or_(came, went), _WORKED_ON)
    )
    gave = await session.execute(
        select(func.count(), func.count(VERDICTS.c.reviewer.distinct()))
        .join(TASKS, TASKS.c.task_id == VERDICTS.c.task_id)
        .where(
            TASKS.c.project == project,
            VERDICTS.c.given_at >= since,
            VERDICTS.c.withdrawn_at.is_(None),
        )
    )
    return Flow(*moved.one(), *gave.one())


async def held_since(
    session: Session, project: str, since: datetime, newest: int
) -> list[LeaseInterval]:
    """Return by whom, from when and to when each of the newest answered leases was held."""
    # Not a join: SQLite would begin with all tasks of the project.
    in_project = exists().where(TASKS.c.task_id == LEASES.c.task_id, TASKS.c.project == project)
    statement = (
        select(LEASES.c.reviewer, LEASES.c.leased_at, LEASES.c.ended_at)
        .where(
            in_project,
            LEASES.c.ended_at >= since,
            LEASES.c.ending.in_(("verdict", "skip")),
        )
        .order_by(LEASES.c.ended_at.desc())
        .limit(newest)
    )
    return [LeaseInterval(*row) for row in (await session.execute(statement)).all()]
