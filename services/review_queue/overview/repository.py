"""Every statement about the figures of many projects: each statement reads all of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.repository.statements import fetch, json_length, step_number, table_of
from services.review_queue.tables import LeaseRow, ProjectRow, TaskRow, VerdictRow

_projects = table_of(ProjectRow)
_tasks = table_of(TaskRow)
_leases = table_of(LeaseRow)
_verdicts = table_of(VerdictRow)


async def page(
    session: AsyncSession, *, after: str, limit: int, only: Collection[str] | None
) -> Sequence[Row[Any]]:
    """Return projects by name, without what may be long: the instructions, the fields."""
    spec = _projects.c.spec
    statement = (
        select(
            _projects.c.name,
            _projects.c.revision,
            _projects.c.created_at,
            spec["title"].as_string().label("title"),
            json_length(spec["labels"].as_json()).label("labels"),
            spec["archived_at"].as_string().label("archived_at"),
        )
        .where(_projects.c.name > after, _projects.c.deleted_at.is_(None))
        .order_by(_projects.c.name)
        .limit(limit)
    )
    if only is not None:
        statement = statement.where(_projects.c.name.in_(only))
    return await fetch(session, statement)


async def waiting(session: AsyncSession, names: Collection[str]) -> dict[str, Row[Any]]:
    """Return (project, number, oldest) of the tasks that wait, by project: an index holds it."""
    statement = (
        select(
            _tasks.c.project,
            func.count().label("number"),
            func.min(_tasks.c.created_at).label("oldest"),
        )
        .where(_tasks.c.project.in_(names), _tasks.c.turn.is_not(None))
        .group_by(_tasks.c.project)
    )
    return {row.project: row for row in await fetch(session, statement)}


async def leased(session: AsyncSession, names: Collection[str], now: datetime) -> dict[str, int]:
    """Return how many tasks are held now, by project; it reads what is held, and no more."""
    statement = (
        select(_tasks.c.project, func.count().label("number"))
        .select_from(_leases.join(_tasks, _tasks.c.task_id == _leases.c.task_id))
        .where(
            _leases.c.ended_at.is_(None), _leases.c.expires_at > now, _tasks.c.project.in_(names)
        )
        .group_by(_tasks.c.project)
    )
    return {row.project: row.number for row in await fetch(session, statement)}


async def disputed(session: AsyncSession, names: Collection[str]) -> dict[str, int]:
    """Return how many tasks wait for an adjudicator, by project."""
    statement = (
        select(_tasks.c.project, func.count().label("number"))
        .where(_tasks.c.project.in_(names), _tasks.c.adjudication.is_(True))
        .group_by(_tasks.c.project)
    )
    return {row.project: row.number for row in await fetch(session, statement)}


async def answers(session: AsyncSession, names: Collection[str], since: datetime) -> dict[str, int]:
    """Return how many verdicts since `since` stand, by project: an index holds it."""
    statement = (
        select(_verdicts.c.project, func.count().label("number"))
        .where(
            _verdicts.c.project.in_(names),
            _verdicts.c.given_at >= since,
            _verdicts.c.withdrawn_at.is_(None),
            _verdicts.c.label.is_not(None),
        )
        .group_by(_verdicts.c.project)
    )
    return {row.project: row.number for row in await fetch(session, statement)}


async def arrivals(
    session: AsyncSession, project: str, since: datetime, step: int, most: int
) -> dict[int, int]:
    """Return how many tasks were created in each step of seconds since `since`, by its number.

    At most the newest `most` are counted.
    """
    moments = select(_tasks.c.created_at.label("at")).where(
        _tasks.c.project == project, _tasks.c.created_at >= since
    )
    return await _by_step(session, moments, since, step, most)


async def answered(
    session: AsyncSession, project: str, since: datetime, step: int, most: int
) -> dict[int, int]:
    """Return how many verdicts that stand were given in each step, likewise."""
    moments = select(_verdicts.c.given_at.label("at")).where(
        _verdicts.c.project == project,
        _verdicts.c.given_at >= since,
        _verdicts.c.withdrawn_at.is_(None),
        _verdicts.c.label.is_not(None),
    )
    return await _by_step(session, moments, since, step, most)


async def _by_step(
    session: AsyncSession, moments: Select[Any], since: datetime, step: int, most: int
) -> dict[int, int]:
    (moment,) = moments.selected_columns
    counted = moments.order_by(moment.desc()).limit(most).subquery()
    number = step_number(session, counted.c.at, since, step).label("number")
    columns: list[Any] = [number, func.count().label("times")]
    statement = select(*columns).group_by(number)
    return {int(row.number): row.times for row in await fetch(session, statement)}
