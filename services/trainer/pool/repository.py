"""SQL of the pool."""

from collections.abc import Sequence

from sqlalchemy import func, select, union, update
from sqlmodel import col

from services.trainer.tables import OutcomeRow, PoolItem, batches_of
from shared.db import Session


async def known_items(
    session: Session, project: str, item_ids: Sequence[str], hashes: Sequence[str]
) -> tuple[dict[str, str], set[str]]:
    """Return the content of those ids, and those contents, that the pool already has."""
    query = select(col(PoolItem.item_id), col(PoolItem.content_hash)).where(
        col(PoolItem.project) == project
    )
    # Two searches: for one with `or`, SQLite would read the whole pool.
    ids = query.where(col(PoolItem.item_id).in_(item_ids))
    contents = query.where(col(PoolItem.content_hash).in_(hashes))
    rows = (await session.execute(union(ids, contents))).all()
    return {row[0]: row[1] for row in rows}, {row[1] for row in rows}


async def counts(session: Session, project: str) -> dict[str, int]:
    """Return the number of items by state, and of those that have a label."""
    by_state = (
        select(col(PoolItem.state), func.count())
        .where(col(PoolItem.project) == project)
        .group_by(col(PoolItem.state))
    )
    labelled = (
        select(func.count())
        .select_from(PoolItem)
        .join(
            OutcomeRow,
            (col(OutcomeRow.project) == col(PoolItem.project))
            & (col(OutcomeRow.item_id) == col(PoolItem.item_id)),
        )
        .where(col(PoolItem.project) == project, col(OutcomeRow.label).is_not(None))
    )
    found = {row[0]: int(row[1]) for row in await session.execute(by_state)}
    return {**found, "labelled": int((await session.execute(labelled)).scalar_one())}


async def count_waiting(session: Session, project: str, among: Sequence[str] | None = None) -> int:
    """Count the items that wait; with `among`, those of these ids."""
    query = select(func.count()).where(
        col(PoolItem.project) == project, col(PoolItem.state) == "waiting"
    )
    queries = [query]
    if among is not None:
        queries = [query.where(col(PoolItem.item_id).in_(batch)) for batch in batches_of(among)]
    return sum([int((await session.execute(each)).scalar_one()) for each in queries])


async def waiting(
    session: Session, project: str, limit: int, after: str = ""
) -> Sequence[PoolItem]:
    """Return the next waiting items in the random order, after an order key."""
    query = (
        select(PoolItem)
        .where(
            col(PoolItem.project) == project,
            col(PoolItem.state) == "waiting",
            col(PoolItem.order_key) > after,
        )
        .order_by(col(PoolItem.order_key))
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def pass_over(session: Session, project: str, up_to: str) -> None:
    """Mark what still waits up to an order key as passed over."""
    await session.execute(
        update(PoolItem)
        .where(
            col(PoolItem.project) == project,
            col(PoolItem.state) == "waiting",
            col(PoolItem.order_key) <= up_to,
        )
        .values(state="passed")
    )


async def mark_asked(
    session: Session, project: str, item_ids: Sequence[str], *, posted: bool
) -> None:
    """Mark items as asked; with `posted` False the worker asks for their tasks."""
    for batch in batches_of(item_ids):
        await session.execute(
            update(PoolItem)
            .where(col(PoolItem.project) == project, col(PoolItem.item_id).in_(batch))
            .values(state="asked", posted=posted)
        )
