"""Lists, counts and timelines of tasks, as operators see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import col

from services.review_queue.lifecycle.lanes import GROUPS
from services.review_queue.tables import EventRow, ProjectRow, TaskRow, VerdictRow
from shared.contracts.tasks import Lane


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks a list shows; None means all."""

    state: str | None = None
    lane: str | None = None
    label: str | None = None
    reviewer: str | None = None
    older_than: timedelta | None = None
    adjudication: bool | None = None


async def find(session: AsyncSession, task_id: str) -> TaskRow | None:
    """Return the task, if there is one."""
    return await session.get(TaskRow, task_id)


async def timeline(session: AsyncSession, task_id: str) -> list[EventRow]:
    """Return what happened to the task, oldest first."""
    statement = select(EventRow).where(col(EventRow.task_id) == task_id)
    return list((await session.execute(statement.order_by(col(EventRow.event_id)))).scalars())


def _leased(now: datetime) -> ColumnElement[bool]:
    return and_(col(TaskRow.state) == "leased", col(TaskRow.available_at) > now)


def state_at(now: datetime) -> ColumnElement[str]:
    """Return the state as people see it: an expired lease holds nothing."""
    return case(
        (col(TaskRow.erased_at).is_not(None), "erased"),
        (col(TaskRow.state) == "resolved", "resolved"),
        (_leased(now), "leased"),
        else_="open",
    )


def _answered_by(reviewer: str) -> ColumnElement[bool]:
    return exists().where(
        col(VerdictRow.task_id) == col(TaskRow.task_id),
        col(VerdictRow.reviewer) == reviewer,
        col(VerdictRow.withdrawn_at).is_(None),
    )


def conditions(wanted: TaskFilter, now: datetime) -> list[ColumnElement[bool]]:
    """Return what `wanted` asks of tasks, as parts of a WHERE."""
    asked: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        asked.append(state_at(now) == wanted.state)
    if wanted.lane is not None:
        asked.append(col(TaskRow.lane) == wanted.lane)
    if wanted.label is not None:
        asked.append(col(TaskRow.label) == wanted.label)
    if wanted.reviewer is not None:
        holds = and_(_leased(now), col(TaskRow.holder) == wanted.reviewer)
        asked.append(or_(holds, _answered_by(wanted.reviewer)))
    if wanted.adjudication is not None:
        asked.append(col(TaskRow.adjudication).is_(wanted.adjudication))
    if wanted.older_than is not None:
        asked.append(col(TaskRow.created_at) <= now - wanted.older_than)
    return asked


async def page(
    session: AsyncSession,
    project: str,
    wanted: TaskFilter,
    *,
    now: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[TaskRow]:
    """Return tasks of a project, oldest first, without their data."""
    statement: Select[TaskRow] = (
        select(TaskRow)
        .where(col(TaskRow.project) == project, *conditions(wanted, now))
        .order_by(col(TaskRow.created_at), col(TaskRow.task_id))
        .limit(limit)
        .options(defer(TaskRow.data))  # type: ignore[arg-type]
    )
    if after is not None:
        place = tuple_(col(TaskRow.created_at), col(TaskRow.task_id))
        statement = statement.where(place > after)
    return list((await session.execute(statement)).scalars())


async def disputed(session: AsyncSession, project: str) -> int:
    """Return how many tasks wait for an adjudicator."""
    statement = select(func.count()).where(
        col(TaskRow.project) == project, col(TaskRow.adjudication).is_(True)
    )
    return (await session.execute(statement)).scalar_one()


@dataclass(frozen=True)
class LaneWait:
    """What waits in one lane of a project, and the creation of its oldest task."""

    project: str
    lane: str
    waiting: int
    oldest: datetime


async def waiting_by_lane(session: AsyncSession) -> list[LaneWait]:
    """Return what waits in each lane of every project; projects where nothing waits cost a seek."""
    statement = (
        select(
            col(TaskRow.project),
            col(TaskRow.lane),
            func.count(),
            func.min(col(TaskRow.created_at)),
        )
        .join(ProjectRow, col(ProjectRow.name) == col(TaskRow.project))
        .where(col(TaskRow.lane_group).in_(GROUPS), col(TaskRow.turn).is_not(None))
        .group_by(col(TaskRow.project), col(TaskRow.lane))
    )
    return [LaneWait(*row) for row in (await session.execute(statement)).all()]


async def disputed_by_project(session: AsyncSession) -> dict[str, int]:
    """Return how many tasks wait for an adjudicator in each project that has any."""
    statement = (
        select(col(TaskRow.project), func.count())
        .join(ProjectRow, col(ProjectRow.name) == col(TaskRow.project))
        .where(col(TaskRow.adjudication).is_(True))
        .group_by(col(TaskRow.project))
    )
    rows = (await session.execute(statement)).all()
    return {row[0]: row[1] for row in rows}


async def depth(
    session: AsyncSession, project: str, now: datetime
) -> list[tuple[Lane, int, int, datetime]]:
    """Return (lane, open, leased, oldest creation) of each lane where something waits."""
    leased = _leased(now)
    statement = (
        select(
            col(TaskRow.lane),
            func.sum(case((not_(leased), 1), else_=0)),
            func.sum(case((leased, 1), else_=0)),
            func.min(col(TaskRow.created_at)),
        )
        .where(col(TaskRow.project) == project, col(TaskRow.turn).is_not(None))
        .group_by(col(TaskRow.lane))
        .order_by(col(TaskRow.lane))
    )
    rows = (await session.execute(statement)).all()
    return [(lane, waiting, held, oldest) for lane, waiting, held, oldest in rows]
