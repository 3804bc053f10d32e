"""SQL of the datasets."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import col

from services.trainer.datasets.holdout import Copy
from services.trainer.tables import (
    OF_DRAW,
    UNIFORM_ARM,
    Certification,
    CertificationItem,
    Dataset,
    LedgerRow,
    OutcomeRow,
    PoolItem,
    Run,
    rows_of,
)
from shared.db import Session


async def page(session: Session, project: str, offset: int, limit: int) -> Sequence[Dataset]:
    """Return snapshots, newest first."""
    of_project = col(Dataset.project) == project
    order = (col(Dataset.created_at).desc(), col(Dataset.dataset_id))
    return await rows_of(session, Dataset, of_project, order=order, limit=limit, offset=offset)


async def by_path(session: Session, project: str) -> dict[str, Dataset]:
    """Return the records of a project's snapshots by their paths."""
    rows = await rows_of(session, Dataset, col(Dataset.project) == project)
    return {row.path: row for row in rows}


async def labelled(session: Session, project: str, lanes: Iterable[str]) -> Sequence[OutcomeRow]:
    """Return the outcomes of these lanes that have a label and their content, by item id."""
    wanted = (
        col(OutcomeRow.project) == project,
        col(OutcomeRow.label).is_not(None),
        col(OutcomeRow.lane).in_(sorted(lanes)),
        col(OutcomeRow.erasure).is_(None),
    )
    return await rows_of(session, OutcomeRow, *wanted, order=[col(OutcomeRow.item_id)])


async def drawn_items(session: Session, project: str) -> tuple[set[str], set[str]]:
    """Return the items drawn for certifications: those of open ones, and those that are spent.

    The first train nothing yet.
    """
    query = (
        select(col(CertificationItem.item_id), col(Certification.state))
        .join(Certification, OF_DRAW)
        .where(col(CertificationItem.project) == project)
    )
    drawn = [(row[0], row[1]) for row in await session.execute(query)]
    held_back = {item_id for item_id, state in drawn if state == "open"}
    return held_back, {item_id for item_id, _ in drawn} - held_back


async def chosen_items(session: Session, project: str) -> set[str]:
    """Return the items of the pool that were not drawn uniformly from its import."""
    query = select(col(PoolItem.item_id)).where(
        col(PoolItem.project) == project,
        col(PoolItem.state) == "asked",
        col(PoolItem.arm).is_not(None),
        col(PoolItem.arm) != UNIFORM_ARM,
    )
    return set((await session.execute(query)).scalars())


class Asked(NamedTuple):
    """How an item of the pool was chosen; both are None where the release before chose it."""

    arm: str | None
    propensity: float | None


async def asked_items(session: Session, project: str) -> dict[str, Asked]:
    """Return of the pool's items that people were asked about how each was chosen."""
    query = select(col(PoolItem.item_id), col(PoolItem.arm), col(PoolItem.propensity)).where(
        col(PoolItem.project) == project, col(PoolItem.state) == "asked"
    )
    return {row[0]: Asked(row[1], row[2]) for row in await session.execute(query)}


async def copies(session: Session, project: str, since: datetime) -> list[Copy]:
    """Return the items received since then whose content came under other ids as well."""
    received = (col(LedgerRow.project) == project, col(LedgerRow.received_at) >= since)
    repeated = (
        select(col(LedgerRow.content_hash))
        .where(*received)
        .group_by(col(LedgerRow.content_hash))
        .having(func.count(col(LedgerRow.item_id).distinct()) > 1)
    )
    query = select(
        col(LedgerRow.item_id), col(LedgerRow.content_hash), col(LedgerRow.received_at)
    ).where(*received, col(LedgerRow.content_hash).in_(repeated))
    return [Copy(*row) for row in await session.execute(query)]


async def is_freezing(session: Session, project: str) -> bool:
    """Say whether a run is freezing its labels: its snapshot may not be in the store yet."""
    query = select(col(Run.run_id)).where(
        col(Run.project) == project, col(Run.state) == "running", col(Run.dataset_id).is_(None)
    )
    return (await session.execute(query.limit(1))).first() is not None
