"""Every statement about outcomes: the feed's order above all."""

from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import col

from services.review_queue.lifecycle.outcomes.places import Place, mark_of
from services.review_queue.repository.epochs import feed_epoch
from services.review_queue.repository.statements import is_postgresql, table_of
from services.review_queue.tables import FIRST_EPOCH, FeedEpochRow, OutcomeRow, TaskRow

# One sequencer at a time; the number is arbitrary, and this service's own database's.
_SEQUENCER_LOCK = 7_364_927
SEQUENCED_AT_ONCE = 10_000


async def unsequenced(session: AsyncSession) -> bool:
    """Say whether an outcome waits for its place in the feed."""
    statement = select(col(OutcomeRow.outcome_id)).where(col(OutcomeRow.position).is_(None))
    return (await session.execute(statement.limit(1))).first() is not None


async def sequence(session: AsyncSession) -> list[tuple[str, str, str]]:
    """Give committed outcomes the next places in the feed; return (project, lane, source) of each.

    At most `SEQUENCED_AT_ONCE` of them: when there are as many, more may be left.

    Places are given after commit and by one transaction at a time, so that who has read up to a
    place has read all that will ever be before it. Serial ids cannot promise that: they are taken
    before commit, and commits come in any order. Within one task they do keep its revisions'
    order, since the task is locked while one is written.
    """
    await lock_feed(session)
    outcomes = table_of(OutcomeRow)
    last = await _last(session)
    waiting = (
        select(
            outcomes.c.outcome_id,
            func.row_number().over(order_by=outcomes.c.outcome_id).label("number"),
        )
        .where(outcomes.c.position.is_(None))
        .order_by(outcomes.c.outcome_id)
        .limit(SEQUENCED_AT_ONCE)
        .cte("waiting")
    )
    placed = await session.execute(
        update(outcomes)
        .where(outcomes.c.outcome_id == waiting.c.outcome_id)
        .values(position=last + waiting.c.number)
        .returning(outcomes.c.project, outcomes.c.lane, outcomes.c.source)
    )
    return [(project, lane, source) for project, lane, source in placed]


async def lock_feed(session: AsyncSession) -> None:
    """Let no other transaction give places until this one ends."""
    if is_postgresql(session):
        # Its own statement: the next one then sees all that the lock's last holder committed.
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_SEQUENCER_LOCK})"))


async def _last(session: AsyncSession) -> int:
    return (await session.execute(select(func.max(col(OutcomeRow.position))))).scalar_one() or 0


async def epoch_of(session: AsyncSession, position: int) -> int:
    """Return the epoch in which a position was given."""
    statement = select(func.max(col(FeedEpochRow.epoch))).where(
        col(FeedEpochRow.after_position) < position
    )
    return (await session.execute(statement)).scalar_one() or FIRST_EPOCH


async def begin_epoch(
    session: AsyncSession, known: int, *, at_least: int, now: datetime
) -> int | None:
    """Begin a new epoch, at least `at_least`; None where `known` is no longer the newest."""
    await lock_feed(session)
    newest = await feed_epoch(session)
    if newest != known:
        return None
    begun = max(newest + 1, at_least)
    session.add(FeedEpochRow(epoch=begun, after_position=await _last(session), began_at=now))
    return begun


async def last_place(session: AsyncSession) -> Place:
    """Return the end of the feed of all projects."""
    return await place_at(session, await _last(session))


async def place_at_end(session: AsyncSession, project: str) -> Place:
    """Return the end of the project's feed."""
    return await place_at(session, await end(session, project))


async def confirmed(session: AsyncSession, place: Place) -> Place | None:
    """Return `place` with its mark, None where it is not one of this feed.

    It is of another epoch, behind the feed's end, or behind another outcome than it was.
    """
    if place.epoch != await feed_epoch(session):
        return None
    if place.position == 0:
        return Place(place.epoch)
    mark = await _mark_at(session, place.position)
    if mark is None or place.mark not in ("", mark):
        return None
    return Place(place.epoch, place.position, mark)


async def place_at(session: AsyncSession, position: int) -> Place:
    """Return the place behind the outcome at `position`."""
    return Place(await feed_epoch(session), position, await _mark_at(session, position) or "")


async def _mark_at(session: AsyncSession, position: int) -> str | None:
    statement = select(
        col(OutcomeRow.task_id),
        col(OutcomeRow.revision),
        col(OutcomeRow.label),
        col(OutcomeRow.resolved_at),
    ).where(col(OutcomeRow.position) == position)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else mark_of(*row)


async def end(session: AsyncSession, project: str) -> int:
    """Return the last place of the project's feed, 0 before the first."""
    statement = select(func.max(col(OutcomeRow.position))).where(col(OutcomeRow.project) == project)
    return (await session.execute(statement)).scalar_one() or 0


async def feed(
    session: AsyncSession, project: str, *, after: int, limit: int, brief: bool
) -> list[tuple[OutcomeRow, TaskRow]]:
    """Return the project's outcomes behind place `after`, in order, with their tasks.

    With `brief` the columns that may be large are not loaded.
    """
    statement = (
        select(OutcomeRow, TaskRow)
        .join(TaskRow, col(TaskRow.task_id) == col(OutcomeRow.task_id))
        .where(col(OutcomeRow.project) == project, col(OutcomeRow.position) > after)
        .order_by(col(OutcomeRow.position))
        .limit(limit)
    )
    if brief:
        large = (TaskRow.data, TaskRow.item_metadata, TaskRow.prediction, OutcomeRow.prediction)
        statement = statement.options(*(defer(column) for column in large))  # type: ignore[arg-type]
    return [(outcome, task) for outcome, task in (await session.execute(statement)).all()]


async def with_task(
    session: AsyncSession, task_id: str, revision: int
) -> tuple[OutcomeRow, TaskRow] | None:
    """Return one revision of a task's outcome, and the task."""
    statement = (
        select(OutcomeRow, TaskRow)
        .join(TaskRow, col(TaskRow.task_id) == col(OutcomeRow.task_id))
        .where(col(OutcomeRow.task_id) == task_id, col(OutcomeRow.revision) == revision)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])
