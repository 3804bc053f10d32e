"""Lists, counts and timelines of tasks, as operators see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, exists, func, not_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.lifecycle.lanes import GROUPS
from services.review_queue.repository.statements import count_where, fetch, table_of
from services.review_queue.tables import EventRow, ProjectRow, TaskRow, VerdictRow

_tasks = table_of(TaskRow)
_verdicts = table_of(VerdictRow)
_events = table_of(EventRow)
_projects = table_of(ProjectRow)
_LISTED = tuple(
    _tasks.c[name]
    for name in (
        *("task_id", "item_id", "lane", "label", "source", "due_at", "created_at"),
        "resolved_at",
    )
)


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks a list shows; None means all."""

    state: str | None = None
    lane: str | None = None
    label: str | None = None
    reviewer: str | None = None
    older_than: timedelta | None = None
    adjudication: bool | None = None


async def find(session: AsyncSession, task_id: str) -> Row[Any] | None:
    """Return the task, if there is one."""
    statement = select(_tasks).where(_tasks.c.task_id == task_id)
    return (await session.execute(statement)).one_or_none()


async def timeline(session: AsyncSession, task_id: str) -> Sequence[Row[Any]]:
    """Return what happened to the task, oldest first."""
    statement = select(_events).where(_events.c.task_id == task_id)
    return await fetch(session, statement.order_by(_events.c.event_id))


def _leased(now: datetime) -> ColumnElement[bool]:
    return and_(_tasks.c.state == "leased", _tasks.c.available_at > now)


def state_at(now: datetime) -> ColumnElement[str]:
    """Return the state as people see it: an expired lease holds nothing."""
    return case(
        (_tasks.c.erased_at.is_not(None), "erased"),
        (_tasks.c.state == "resolved", "resolved"),
        (_leased(now), "leased"),
        else_="open",
    )


def conditions(wanted: TaskFilter, now: datetime) -> list[ColumnElement[bool]]:
    """Return what `wanted` asks of tasks, as parts of a WHERE."""
    holds = and_(_leased(now), _tasks.c.holder == wanted.reviewer)
    answered = exists().where(
        _verdicts.c.task_id == _tasks.c.task_id,
        _verdicts.c.reviewer == wanted.reviewer,
        _verdicts.c.withdrawn_at.is_(None),
    )
    asked = (
        (wanted.state, state_at(now) == wanted.state),
        (wanted.lane, _tasks.c.lane == wanted.lane),
        (wanted.label, _tasks.c.label == wanted.label),
        (wanted.reviewer, or_(holds, answered)),
        (wanted.adjudication, _tasks.c.adjudication.is_(wanted.adjudication)),
        (wanted.older_than, _tasks.c.created_at <= now - (wanted.older_than or timedelta())),
    )
    return [condition for value, condition in asked if value is not None]


async def page(
    session: AsyncSession,
    project: str,
    wanted: TaskFilter,
    *,
    now: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return tasks of a project, oldest first, as a list shows them."""
    statement = (
        select(*_LISTED, state_at(now).label("state"))
        .where(_tasks.c.project == project, *conditions(wanted, now))
        .order_by(_tasks.c.created_at, _tasks.c.task_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(_tasks.c.created_at, _tasks.c.task_id) > after)
    return await fetch(session, statement)


async def waiting(
    session: AsyncSession, now: datetime, project: str | None = None
) -> Sequence[Row[Any]]:
    """Return what waits in each lane, of one project or of all; idle projects cost a seek each.

    Columns: project, lane, open, leased, oldest (the creation of the lane's oldest task).
    """
    leased = _leased(now)
    statement = (
        select(
            _tasks.c.project,
            _tasks.c.lane,
            count_where(not_(leased)).label("open"),
            count_where(leased).label("leased"),
            func.min(_tasks.c.created_at).label("oldest"),
        )
        .join(_projects, _projects.c.name == _tasks.c.project)
        .where(_tasks.c.lane_group.in_(GROUPS), _tasks.c.turn.is_not(None))
        .group_by(_tasks.c.lane, _tasks.c.project)
        .order_by(_tasks.c.project, _tasks.c.lane)
    )
    if project is not None:
        statement = statement.where(_projects.c.name == project)
    return await fetch(session, statement)


async def disputed(session: AsyncSession, project: str | None = None) -> dict[str, int]:
    """Return how many tasks wait for an adjudicator, by project: one, or all that have any."""
    statement = (
        select(_tasks.c.project, func.count().label("number"))
        .join(_projects, _projects.c.name == _tasks.c.project)
        .where(_tasks.c.adjudication.is_(True))
        .group_by(_tasks.c.project)
    )
    if project is not None:
        statement = statement.where(_projects.c.name == project)
    return {row.project: row.number for row in await fetch(session, statement)}
