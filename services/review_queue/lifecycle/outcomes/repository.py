"""Every statement about outcomes: the feed's order above all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, func, select, text, update

from services.review_queue.lifecycle.outcomes.places import Place, mark_of
from services.review_queue.repository.epochs import feed_epoch
from services.review_queue.repository.statements import fetch, is_postgresql
from services.review_queue.tables import (
    EPOCHS,
    FIRST_EPOCH,
    OUTCOMES,
    PROJECTS,
    TASKS,
    FeedEpochRow,
)
from shared.db import Session

# One transaction at a time gives places; the number is arbitrary, and this service's own.
_PLACES_LOCK = 7_364_927
PLACED_AT_ONCE = 10_000


async def _lock_places(session: Session) -> None:
    if is_postgresql(session):
        # Its own statement: the next one then sees all that the lock's last holder committed.
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_PLACES_LOCK})"))


@dataclass(frozen=True)
class Feed:
    """A table whose rows get their `position` after commit, in the order of their serial `key`.

    One transaction at a time gives positions, so a client that has read up to a position has read
    every row that will ever stand before it. Serial ids cannot promise that: they are taken before
    commit, and commits come in any order. `marks` are the columns that `mark_of` takes.
    """

    table: Table
    key: str
    marks: tuple[ColumnElement[Any], ...]

    async def waits(self, session: Session) -> bool:
        """Say whether a committed row has no position yet."""
        waiting = select(self.table.c[self.key]).where(self.table.c.position.is_(None))
        return (await session.execute(waiting.limit(1))).first() is not None

    async def place(self, session: Session, *columns: str) -> Sequence[Row[Any]]:
        """Give committed rows the next positions; return these columns of each.

        At most `PLACED_AT_ONCE` of them: when there are as many, more may be left.
        """
        await _lock_places(session)
        key, last = self.table.c[self.key], await self.last(session)
        waiting = (
            select(key, func.row_number().over(order_by=key).label("number"))
            .where(self.table.c.position.is_(None))
            .order_by(key)
            .limit(PLACED_AT_ONCE)
            .cte("waiting")
        )
        statement = (
            update(self.table)
            .where(key == waiting.c[self.key])
            .values(position=last + waiting.c.number)
            .returning(*(self.table.c[name] for name in columns))
        )
        return (await session.execute(statement)).all()

    async def last(self, session: Session, project: str | None = None) -> int:
        """Return the last position, of one project or of all; 0 before the first."""
        statement = select(func.max(self.table.c.position))
        if project is not None:
            statement = statement.where(self.table.c.project == project)
        last: int = (await session.execute(statement)).scalar_one() or 0
        # A position is never given twice, also when the project of its row was deleted.
        return last if project is not None else max(last, await self._deleted_up_to(session))

    async def _deleted_up_to(self, session: Session) -> int:
        """Return the last position of a row that was removed with its project; 0 for none."""
        if self.table is not OUTCOMES:
            return 0
        return (await session.execute(select(func.max(PROJECTS.c.last_position)))).scalar_one() or 0

    async def place_at(self, session: Session, epoch: int, position: int) -> Place:
        """Return the place behind the row at `position`, with an empty mark if there is none."""
        statement = select(*self.marks).where(self.table.c.position == position)
        row = (await session.execute(statement)).one_or_none()
        return Place(epoch, position, "" if row is None else mark_of(*row))

    async def confirmed(self, session: Session, place: Place) -> Place | None:
        """Return `place` with its mark, None where it is not one of this feed.

        It is of another epoch, behind the feed's end, or behind another row than it was.
        """
        known = await self.place_at(session, await feed_epoch(session), place.position)
        if place.epoch != known.epoch:
            return None
        if known.position == 0 or (known.mark and place.mark in ("", known.mark)):
            return known
        # Nothing tells a row that was removed with its project from another one.
        is_removed = not known.mark and place.position <= await self._deleted_up_to(session)
        return place if is_removed else None


# Within one task serial ids keep the order of revisions: it is locked while one is written.
FEED = Feed(
    OUTCOMES,
    "outcome_id",
    (OUTCOMES.c.task_id, OUTCOMES.c.revision, OUTCOMES.c.label, OUTCOMES.c.resolved_at),
)


async def epoch_of(session: Session, position: int) -> int:
    """Return the epoch in which a position was given."""
    statement = select(func.max(EPOCHS.c.epoch)).where(EPOCHS.c.after_position < position)
    return (await session.execute(statement)).scalar_one() or FIRST_EPOCH


async def begin_epoch(session: Session, known: int, *, at_least: int, now: datetime) -> int | None:
    """Begin a new epoch, at least `at_least`; None where `known` is no longer the newest."""
    await _lock_places(session)
    newest = await feed_epoch(session)
    if newest != known:
        return None
    begun, last = max(newest + 1, at_least), await FEED.last(session)
    session.add(FeedEpochRow(epoch=begun, after_position=last, began_at=now))
    return begun


def _select(*columns: ColumnElement[Any]) -> Select[Any]:
    """Select outcomes with their tasks, each column named as in the message."""
    names = (
        *("position", "task_id", "revision", "lane", "label", "source", "verdicts", "blind"),
        *("instructions_revision", "resolved_at", "mapped"),
    )
    erased = TASKS.c.erased_at.is_not(None).label("erased")
    return select(
        *(OUTCOMES.c[name] for name in names), TASKS.c.item_id, TASKS.c.trace, erased, *columns
    ).join(TASKS, TASKS.c.task_id == OUTCOMES.c.task_id)


_WHOLE = _select(TASKS.c.data, TASKS.c.item_metadata.label("metadata"), OUTCOMES.c.prediction)
# In place of the data: a trainer of an older release does not read it.
_BRIEF = _select(func.nullif(TASKS.c.data_digest, "").label("data_digest"))


async def feed(
    session: Session, project: str, *, after: int, limit: int, brief: bool
) -> Sequence[Row[Any]]:
    """Return outcomes behind place `after`, in order; `brief` leaves large columns out."""
    statement = (
        (_BRIEF if brief else _WHOLE)
        .where(OUTCOMES.c.project == project, OUTCOMES.c.position > after)
        .order_by(OUTCOMES.c.position)
        .limit(limit)
    )
    return await fetch(session, statement)


async def find(session: Session, task_id: str, revision: int) -> Row[Any] | None:
    """Return one revision of a task's outcome."""
    statement = _WHOLE.where(OUTCOMES.c.task_id == task_id, OUTCOMES.c.revision == revision)
    row: Row[Any] | None = (await session.execute(statement)).one_or_none()
    return row
