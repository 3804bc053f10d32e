"""Every statement about the figures of many projects: each statement reads all of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, and_, func, literal, select

from services.review_queue.repository.statements import fetch, step_number
from services.review_queue.tables import PROJECTS, TASKS, VERDICTS
from shared.db import Session


async def page(
    session: Session,
    *,
    after: str,
    limit: int,
    only: Collection[str] | None,
    since: datetime,
    most: int,
) -> Sequence[Row[Any]]:
    """Return projects by name with their figures, each column named as in the message.

    Answers count from `since` on. Each figure is read from an index, and no further than `most`,
    whatever a project has.
    """
    spec = PROJECTS.c.spec
    statement = (
        select(
            PROJECTS.c.name.label("project"),
            PROJECTS.c.revision,
            PROJECTS.c.created_at,
            func.coalesce(spec["title"].as_string(), "").label("title"),
            func.json_array_length(spec["labels"].as_json()).label("labels"),
            spec["archived_at"].as_string().label("archived_at"),
            *_figures(since, most),
        )
        .where(PROJECTS.c.name > after, PROJECTS.c.deleted_at.is_(None))
        .order_by(PROJECTS.c.name)
        .limit(limit)
    )
    if only is not None:
        statement = statement.where(PROJECTS.c.name.in_(only))
    return await fetch(session, statement)


def _figures(since: datetime, most: int) -> list[ColumnElement[Any]]:
    is_waiting = and_(TASKS.c.project == PROJECTS.c.name, TASKS.c.turn.is_not(None))
    is_disputed = and_(TASKS.c.project == PROJECTS.c.name, TASKS.c.adjudication.is_(True))
    stands = and_(
        VERDICTS.c.project == PROJECTS.c.name,
        VERDICTS.c.given_at >= since,
        VERDICTS.c.withdrawn_at.is_(None),
        VERDICTS.c.label.is_not(None),
    )
    oldest = select(TASKS.c.created_at).where(is_waiting).order_by(TASKS.c.created_at).limit(1)
    return [
        _number(is_waiting, most, TASKS.c.created_at).label("waiting"),
        oldest.correlate(PROJECTS).scalar_subquery().label("oldest_at"),
        _number(is_disputed, most, TASKS.c.adjudication).label("adjudication"),
        _number(stands, most, VERDICTS.c.given_at).label("answers"),
    ]


def _number(which: ColumnElement[bool], most: int, order: ColumnElement[Any]) -> ScalarSelect[int]:
    """Return how many rows of a project there are, `most` at most.

    `order` is the index's own: so PostgreSQL walks the index and stops at `most`, instead of
    reading all of it into a bitmap first.
    """
    # Only one level down: the project comes from the statement around both.
    found = (
        select(literal(1)).where(which).order_by(order).limit(most).correlate(PROJECTS).subquery()
    )
    return select(func.count()).select_from(found).scalar_subquery()


async def arrivals(
    session: Session, project: str, since: datetime, step: int, most: int
) -> dict[int, int]:
    """Return how many tasks were created in each step of seconds since `since`, by its number.

    At most the newest `most` are counted.
    """
    moments = select(TASKS.c.created_at.label("at")).where(
        TASKS.c.project == project, TASKS.c.created_at >= since
    )
    return await _by_step(session, moments, since, step, most)


async def answered(
    session: Session, project: str, since: datetime, step: int, most: int
) -> dict[int, int]:
    """Return how many verdicts that stand were given in each step, likewise."""
    moments = select(VERDICTS.c.given_at.label("at")).where(
        VERDICTS.c.project == project,
        VERDICTS.c.given_at >= since,
        VERDICTS.c.withdrawn_at.is_(None),
        VERDICTS.c.label.is_not(None),
    )
    return await _by_step(session, moments, since, step, most)


async def _by_step(
    session: Session, moments: Select[Any], since: datetime, step: int, most: int
) -> dict[int, int]:
    (moment,) = moments.selected_columns
    counted = moments.order_by(moment.desc()).limit(most).subquery()
    number = step_number(session, counted.c.at, since, step).label("number")
    columns: list[Any] = [number, func.count().label("times")]
    statement = select(*columns).group_by(number)
    return {int(row.number): row.times for row in await fetch(session, statement)}
