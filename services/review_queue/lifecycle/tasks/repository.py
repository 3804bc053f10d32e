"""Lists, counts and timelines of tasks, as operators see them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from services.review_queue.lifecycle.lanes import GROUPS
from services.review_queue.lifecycle.tasks.search import SEARCHED, TaskSearch
from services.review_queue.repository.statements import count_where, fetch
from services.review_queue.tables import EVENTS, PROJECTS, TASKS, VERDICTS
from shared.db import Session

_LISTED = tuple(
    TASKS.c[name]
    for name in (
        *("task_id", "item_id", "lane", "label", "source", "due_at", "created_at"),
        "resolved_at",
    )
)


# Of a text in a list: enough to tell items apart.
_EXCERPT = 200


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks a list shows; None means all."""

    state: str | None = None
    lane: str | None = None
    label: str | None = None
    reviewer: str | None = None
    older_than: timedelta | None = None
    adjudication: bool | None = None


async def find(session: Session, task_id: str) -> sa.Row[Any] | None:
    """Return the task, if there is one."""
    statement = sa.select(TASKS).where(TASKS.c.task_id == task_id)
    return (await session.execute(statement)).one_or_none()


async def timeline(session: Session, task_id: str) -> Sequence[sa.Row[Any]]:
    """Return what happened to the task, oldest first."""
    statement = sa.select(EVENTS).where(EVENTS.c.task_id == task_id)
    return await fetch(session, statement.order_by(EVENTS.c.event_id))


def _leased(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(TASKS.c.state == "leased", TASKS.c.available_at > now)


def state_at(now: datetime) -> sa.ColumnElement[str]:
    """Return the state as people see it: an expired lease holds nothing."""
    return sa.case(
        (TASKS.c.erased_at.is_not(None), "erased"),
        (TASKS.c.state == "resolved", "resolved"),
        (_leased(now), "leased"),
        else_="open",
    )


def _conditions(wanted: TaskFilter, now: datetime) -> list[sa.ColumnElement[bool]]:
    holds = sa.and_(_leased(now), TASKS.c.holder == wanted.reviewer)
    answered = sa.exists().where(
        VERDICTS.c.task_id == TASKS.c.task_id,
        VERDICTS.c.reviewer == wanted.reviewer,
        VERDICTS.c.withdrawn_at.is_(None),
    )
    asked = (
        (wanted.state, state_at(now) == wanted.state),
        (wanted.lane, TASKS.c.lane == wanted.lane),
        (wanted.label, TASKS.c.label == wanted.label),
        (wanted.reviewer, sa.or_(holds, answered)),
        (wanted.adjudication, TASKS.c.adjudication.is_(wanted.adjudication)),
        (wanted.older_than, TASKS.c.created_at <= now - (wanted.older_than or timedelta())),
    )
    return [condition for value, condition in asked if value is not None]


@dataclass(frozen=True)
class Listing:
    """Tasks of a project in an order of age, as of `now`."""

    project: str
    wanted: TaskFilter
    now: datetime
    newest_first: bool = False

    def select(self, *columns: Any, after: tuple[datetime, str] | None) -> sa.Select[Any]:
        """Return a query of the tasks behind `after`."""
        place = (TASKS.c.created_at, TASKS.c.task_id)
        order = [column.desc() if self.newest_first else column for column in place]
        statement: sa.Select[Any] = sa.select(*columns).where(
            TASKS.c.project == self.project, *_conditions(self.wanted, self.now)
        )
        if after is not None:
            behind = sa.tuple_(*place)
            statement = statement.where(behind < after if self.newest_first else behind > after)
        return statement.order_by(*order)


async def end_of_search(
    session: Session, listing: Listing, after: tuple[datetime, str] | None
) -> sa.Row[Any] | None:
    """Return (created_at, task_id) of the last task that a search looks at; None for all."""
    place = (TASKS.c.created_at, TASKS.c.task_id)
    last = listing.select(*place, after=after).offset(SEARCHED - 1).limit(1)
    row: sa.Row[Any] | None = (await session.execute(last)).first()
    return row


async def page(
    session: Session,
    listing: Listing,
    search: TaskSearch,
    *,
    after: tuple[datetime, str] | None,
    until: sa.Row[Any] | None,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """Return tasks of a project by age, as a list shows them, `until` one at most."""
    state = state_at(listing.now).label("state")
    columns = (*_LISTED, state, _excerpt(search.fields))
    statement = listing.select(*columns, after=after).where(*_found(search))
    if until is not None:
        place, end = sa.tuple_(TASKS.c.created_at, TASKS.c.task_id), tuple(until)
        statement = statement.where(place >= end if listing.newest_first else place <= end)
    return await fetch(session, statement.limit(limit))


def _excerpt(fields: Sequence[str]) -> sa.ColumnElement[Any]:
    """Return how the first of the fields that has a text begins; null where none has."""
    texts = [sa.func.substr(TASKS.c.data[one].as_string(), 1, _EXCERPT) for one in fields]
    given: list[Any] = [sa.null(), sa.null(), *(sa.func.nullif(one, "") for one in texts)]
    return sa.func.coalesce(*given).label("excerpt")


def _found(search: TaskSearch) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [
        TASKS.c.item_metadata[key].as_string() == value for key, value in search.metadata.items()
    ]
    if search.text is not None:
        texts = [TASKS.c.item_id, *(TASKS.c.data[name].as_string() for name in search.fields)]
        found.append(sa.or_(*(one.icontains(search.text, autoescape=True) for one in texts)))
    return found


async def waiting(
    session: Session, now: datetime, project: str | None = None
) -> Sequence[sa.Row[Any]]:
    """Return what waits in each lane, of one project or of all; idle projects cost a seek each.

    Columns: project, lane, open, leased, oldest (the creation of the lane's oldest task).
    """
    leased = _leased(now)
    statement = (
        sa.select(
            TASKS.c.project,
            TASKS.c.lane,
            count_where(sa.not_(leased)).label("open"),
            count_where(leased).label("leased"),
            sa.func.min(TASKS.c.created_at).label("oldest"),
        )
        .join(PROJECTS, PROJECTS.c.name == TASKS.c.project)
        .where(TASKS.c.lane_group.in_(GROUPS), TASKS.c.turn.is_not(None))
        .group_by(TASKS.c.lane, TASKS.c.project)
        .order_by(TASKS.c.project, TASKS.c.lane)
    )
    if project is not None:
        statement = statement.where(PROJECTS.c.name == project)
    return await fetch(session, statement)


async def ages(
    session: Session, project: str, now: datetime, edges: Sequence[timedelta], most: int
) -> tuple[list[int], int]:
    """Return how many waiting tasks are at least as old as each edge and younger than the next.

    Also how many were counted: at most the oldest `most`. An index holds what is read.
    """
    waiting = (
        sa.select(TASKS.c.created_at.label("at"))
        .where(TASKS.c.project == project, TASKS.c.turn.is_not(None))
        .order_by(TASKS.c.created_at)
        .limit(most)
        .subquery()
    )
    # The first edge is none: a clock may be a moment ahead.
    moments = [None, *(now - edge for edge in edges[1:]), None]
    spans = [
        count_where(
            sa.and_(
                sa.true() if newest is None else waiting.c.at <= newest,
                sa.true() if oldest is None else waiting.c.at > oldest,
            )
        )
        for newest, oldest in itertools.pairwise(moments)
    ]
    counted = sa.select(sa.func.count(), *spans).select_from(waiting)
    total, *found = (await session.execute(counted)).one()
    return [number or 0 for number in found], total


async def disputed(session: Session, project: str | None = None) -> dict[str, int]:
    """Return how many tasks wait for an adjudicator, by project: one, or all that have any."""
    statement = (
        sa.select(TASKS.c.project, sa.func.count().label("number"))
        .join(PROJECTS, PROJECTS.c.name == TASKS.c.project)
        .where(TASKS.c.adjudication.is_(True))
        .group_by(TASKS.c.project)
    )
    if project is not None:
        statement = statement.where(PROJECTS.c.name == project)
    return {row.project: row.number for row in await fetch(session, statement)}
