"""SQL of the pool."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, String, cast, delete, func, select, union, update
from sqlmodel import col

from services.trainer.tables import (
    OutcomeRow,
    PoolBatch,
    PoolItem,
    count_rows,
    find_items,
    fitting,
    same_item,
)
from shared.db import Session

WAITING = ("waiting", "reserved")
"""States of the items that people have not been asked about."""
_WAITS = func.coalesce(col(PoolItem.state), "").in_(WAITING)
"""That an item waits, where items are searched by their ids.

An expression has no index: by that of the state SQLite would read all that waits.
"""


async def known_items(
    session: Session, project: str, item_ids: Sequence[str], hashes: Sequence[str]
) -> Sequence[tuple[str, str]]:
    """Return (id, content) of each item of the pool that has one of the ids or contents."""
    query = select(col(PoolItem.item_id), col(PoolItem.content_hash)).where(
        col(PoolItem.project) == project
    )
    # Two searches: for one with `or`, SQLite would read the whole pool.
    ids = query.where(col(PoolItem.item_id).in_(item_ids))
    contents = query.where(col(PoolItem.content_hash).in_(hashes))
    return [(row[0], row[1]) for row in await session.execute(union(ids, contents))]


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
        .join(OutcomeRow, same_item(OutcomeRow, PoolItem))
        .where(col(PoolItem.project) == project, col(OutcomeRow.label).is_not(None))
    )
    found = {row[0]: int(row[1]) for row in await session.execute(by_state)}
    return {**found, "labelled": int((await session.execute(labelled)).scalar_one())}


async def count_waiting(session: Session, project: str) -> int:
    """Count the items that wait, reserved ones included."""
    is_waiting = col(PoolItem.state).in_(WAITING)
    return await count_rows(session, col(PoolItem.project) == project, is_waiting)


async def still_waiting(session: Session, project: str, item_ids: Iterable[str]) -> set[str]:
    """Return those of the items that wait."""
    query = select(col(PoolItem.item_id)).where(_WAITS)
    return {row[0] for row in await find_items(session, query, PoolItem, project, item_ids)}


def _in_order(project: str, state: str, after: str, *wanted: Any) -> Select[Any]:
    """Return a query of the items of a state in the random order, after an order key."""
    return (
        select(*wanted)
        .where(
            col(PoolItem.project) == project,
            col(PoolItem.state) == state,
            col(PoolItem.order_key) > after,
        )
        .order_by(col(PoolItem.order_key))
    )


async def in_states(
    session: Session, project: str, limit: int, after: str = "", states: Sequence[str] = WAITING
) -> Sequence[PoolItem]:
    """Return the next items of these states in the random order, after an order key."""
    found: list[PoolItem] = []
    # One search a state: for both at once a database would sort all of them.
    for state in states:
        query = _in_order(project, state, after, PoolItem).limit(limit)
        found += (await session.execute(query)).scalars()
    return sorted(found, key=lambda item: item.order_key)[:limit]


async def count_within(
    session: Session,
    project: str,
    most: int,
    after: str = "",
    states: Sequence[str] = WAITING,
) -> int:
    """Return how many of the next items of these states to read at once: at most `most`.

    The data of so many items of one state have at most 8 MiB characters of JSON together; one item
    is read, however large.
    """
    found = most
    for state in states:
        size = func.length(cast(col(PoolItem.data), String))
        query = _in_order(project, state, after, size).limit(found)
        sizes = list((await session.execute(query)).scalars())
        if (fit := fitting(sizes)) < len(sizes):
            found = fit
    return found


async def waiting_ids(
    session: Session, project: str, limit: int, after: str
) -> Sequence[tuple[str, str]]:
    """Return id and order key of the next items that wait and are not reserved."""
    wanted = (col(PoolItem.item_id), col(PoolItem.order_key))
    query = _in_order(project, "waiting", after, *wanted).limit(limit)
    return [(row[0], row[1]) for row in await session.execute(query)]


async def uniform_states(session: Session, project: str) -> tuple[str, ...]:
    """Return the states whose items are a uniform sample of the import.

    What a strategy has left to wait is none: it lacks what was chosen.
    """
    query = select(col(PoolBatch.batch_id)).where(
        col(PoolBatch.project) == project, col(PoolBatch.chosen) > 0
    )
    is_depleted = (await session.execute(query.limit(1))).first() is not None
    return ("reserved",) if is_depleted else WAITING


async def pass_over(session: Session, project: str, up_to: str, states: Sequence[str]) -> None:
    """Mark what is still in these states up to an order key as passed over."""
    await session.execute(
        update(PoolItem)
        .where(
            col(PoolItem.project) == project,
            col(PoolItem.state).in_(states),
            col(PoolItem.order_key) <= up_to,
        )
        .values(state="passed")
    )


async def ask_about(
    session: Session,
    project: str,
    item_ids: Sequence[str],
    *,
    batch_id: str,
    arm: str,
    propensity: float | None = None,
) -> int:
    """Mark items that still wait as asked in a batch, to be posted; return how many.

    `propensity` is the chance that each of them had; None where it is not known.
    """
    query = (
        update(PoolItem)
        .where(_WAITS)
        .values(state="asked", posted=False, batch_id=batch_id, arm=arm, propensity=propensity)
        .returning(col(PoolItem.item_id))
    )
    return len(await find_items(session, query, PoolItem, project, item_ids))


async def remove(session: Session, project: str, item_ids: Sequence[str]) -> set[str]:
    """Delete those of the items that still wait; return which."""
    query = delete(PoolItem).where(_WAITS).returning(col(PoolItem.item_id))
    return {row[0] for row in await find_items(session, query, PoolItem, project, item_ids)}


async def states_of(session: Session, project: str, item_ids: Sequence[str]) -> dict[str, str]:
    """Return the state of each item that the pool has."""
    query = select(col(PoolItem.item_id), col(PoolItem.state))
    return {row[0]: row[1] for row in await find_items(session, query, PoolItem, project, item_ids)}
