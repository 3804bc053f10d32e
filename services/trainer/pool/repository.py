"""SQL of the pool."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.trainer.models import OutcomeRow, PoolItem
from services.trainer.repository import insert_new


async def known_items(
    session: AsyncSession, project: str, item_ids: Sequence[str], hashes: Sequence[str]
) -> tuple[dict[str, str], set[str]]:
    """Return the content of those ids, and those contents, that the pool already has."""
    query = select(col(PoolItem.item_id), col(PoolItem.content_hash)).where(
        col(PoolItem.project) == project,
        or_(col(PoolItem.item_id).in_(item_ids), col(PoolItem.content_hash).in_(hashes)),
    )
    rows = (await session.execute(query)).all()
    return {row[0]: row[1] for row in rows}, {row[1] for row in rows}


async def add_items(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> int:
    """Insert items, skipping what is there; return how many were new."""
    return await insert_new(session, PoolItem, rows)


async def counts(session: AsyncSession, project: str) -> dict[str, int]:
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


async def count_waiting(session: AsyncSession, project: str) -> int:
    """Count the items that nobody was asked about."""
    query = select(func.count()).where(
        col(PoolItem.project) == project, col(PoolItem.state) == "waiting"
    )
    return int((await session.execute(query)).scalar_one())


async def count_waiting_among(session: AsyncSession, project: str, item_ids: Sequence[str]) -> int:
    """Count those of `item_ids` that nobody was asked about."""
    total = 0
    for start in range(0, len(item_ids), 500):
        query = select(func.count()).where(
            col(PoolItem.project) == project,
            col(PoolItem.state) == "waiting",
            col(PoolItem.item_id).in_(item_ids[start : start + 500]),
        )
        total += int((await session.execute(query)).scalar_one())
    return total


async def waiting(
    session: AsyncSession, project: str, limit: int, after: str = ""
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


async def pass_over(session: AsyncSession, project: str, up_to: str) -> None:
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
    session: AsyncSession, project: str, item_ids: Sequence[str], *, posted: bool
) -> None:
    """Mark items as asked; with `posted` False the worker asks for their tasks."""
    for start in range(0, len(item_ids), 500):
        await session.execute(
            update(PoolItem)
            .where(
                col(PoolItem.project) == project,
                col(PoolItem.item_id).in_(item_ids[start : start + 500]),
            )
            .values(state="asked", posted=posted)
        )


async def unposted(session: AsyncSession, project: str, limit: int) -> Sequence[PoolItem]:
    """Return asked items whose tasks the review queue has not acknowledged."""
    query = (
        select(PoolItem)
        .where(
            col(PoolItem.project) == project,
            col(PoolItem.state) == "asked",
            col(PoolItem.posted).is_(False),
        )
        .order_by(col(PoolItem.order_key))
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def mark_posted(
    session: AsyncSession, project: str, item_ids: Sequence[str], refused: Sequence[str]
) -> None:
    """Record what the review queue acknowledged, and what it refused."""
    await mark_asked(session, project, item_ids, posted=True)
    if refused:
        await session.execute(
            update(PoolItem)
            .where(col(PoolItem.project) == project, col(PoolItem.item_id).in_(refused))
            .values(state="refused", posted=True)
        )


async def post_again(session: AsyncSession, project: str) -> None:
    """Let the tasks of asked items that have no outcome be posted once more."""
    answered = exists().where(
        col(OutcomeRow.project) == col(PoolItem.project),
        col(OutcomeRow.item_id) == col(PoolItem.item_id),
    )
    await session.execute(
        update(PoolItem)
        .where(col(PoolItem.project) == project, col(PoolItem.state) == "asked", ~answered)
        .values(posted=False)
    )
