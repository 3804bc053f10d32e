"""SQL of the labelling."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, select
from sqlmodel import col

from services.trainer.outcomes.repository import trains
from services.trainer.recipes import OWN
from services.trainer.tables import (
    Dataset,
    LearningPoint,
    OutcomeRow,
    PoolItem,
    Version,
    count_rows,
    find_items,
    is_answered,
    page_before,
    rows_of,
)
from shared.db import Session


async def count_open(session: Session, project: str) -> int:
    """Count the items of batches that have no outcome."""
    return await count_rows(
        session,
        col(PoolItem.project) == project,
        col(PoolItem.state) == "asked",
        col(PoolItem.batch_id).is_not(None),
        ~is_answered(PoolItem),
    )


async def is_measured(session: Session, project: str) -> bool:
    """Say whether the newest version has its point, or there is no version."""
    newest = select(col(Version.version)).where(
        col(Version.project) == project, col(Version.manifest)["recipe"].as_string() != OWN
    )
    newest = newest.order_by(col(Version.number).desc()).limit(1)
    version = (await session.execute(newest)).scalar_one_or_none()
    if version is None:
        return True
    return await session.get(LearningPoint, (project, version)) is not None


async def newest_versions(session: Session, project: str, limit: int) -> Sequence[Version]:
    """Return the newest versions that were trained here, oldest first."""
    is_ours = col(Version.manifest)["recipe"].as_string() != OWN
    found = await page_before(session, Version, project, Version.number, None, limit, is_ours)
    return list(reversed(found))


async def dataset_sizes(session: Session, project: str) -> dict[str, int]:
    """Return the number of labels of each snapshot."""
    query = select(col(Dataset.dataset_id), col(Dataset.items)).where(
        col(Dataset.project) == project
    )
    return {row[0]: int(row[1]) for row in await session.execute(query)}


async def points(session: Session, project: str) -> dict[str, LearningPoint]:
    """Return what was measured of versions, by version."""
    found = await rows_of(session, LearningPoint, col(LearningPoint.project) == project)
    return {point.version: point for point in found}


async def arms(session: Session, project: str, item_ids: Iterable[str]) -> dict[str, str]:
    """Return the arm of each item that came from a batch of the pool."""
    query = select(col(PoolItem.item_id), col(PoolItem.arm)).where(col(PoolItem.arm).is_not(None))
    return {row[0]: row[1] for row in await find_items(session, query, PoolItem, project, item_ids)}


# Longer ones are compared by no model: both arms lack them.
_LONGEST = 20_000


def _labelled(project: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(PoolItem.project) == project,
        # Few of a large pool, and they have an index.
        col(PoolItem.state) == "asked",
        col(OutcomeRow.project) == project,
        col(OutcomeRow.item_id) == col(PoolItem.item_id),
        trains(),
    )


async def labels_by_arm(session: Session, project: str) -> dict[str, int]:
    """Return how many labels that may train are of each arm."""
    query = (
        select(col(PoolItem.arm), func.count())
        .where(*_labelled(project), col(PoolItem.arm).is_not(None))
        .group_by(col(PoolItem.arm))
    )
    return {row[0] or "": int(row[1]) for row in await session.execute(query)}


async def labelled_of(
    session: Session, project: str, arms: Sequence[str], limit: int
) -> list[tuple[dict[str, Any], str]]:
    """Return data and label of the first items that batches of these arms had."""
    query = (
        select(col(PoolItem.data), col(OutcomeRow.label))
        .where(
            *_labelled(project),
            col(PoolItem.arm).in_(arms),
            func.length(cast(col(PoolItem.data), String)) <= _LONGEST,
        )
        .order_by(col(PoolItem.batch_id), col(PoolItem.order_key))
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def stop_set(session: Session, project: str, limit: int) -> Sequence[PoolItem]:
    """Return the last items of the reserve in the random order: those that are drawn last."""
    is_reserved, key = col(PoolItem.state) == "reserved", PoolItem.order_key
    return await page_before(session, PoolItem, project, key, None, limit, is_reserved)
