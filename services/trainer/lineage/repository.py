"""SQL of the lineage."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from services.trainer.tables import (
    Certification,
    Dataset,
    LedgerRow,
    ModelLabel,
    OutcomeRow,
    PoolItem,
    Run,
    Version,
)
from shared.db import Session


async def newest_decisions(
    session: Session, project: str, item_id: str, limit: int
) -> Sequence[LedgerRow]:
    """Return the decisions on an item that were received last, newest first."""
    query = (
        select(LedgerRow)
        .where(col(LedgerRow.project) == project, col(LedgerRow.item_id) == item_id)
        .order_by(col(LedgerRow.received_at).desc(), col(LedgerRow.id).desc())
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def of_item(
    session: Session, project: str, item_id: str
) -> tuple[ModelLabel | None, PoolItem | None, OutcomeRow | None]:
    """Return a version's label of an item of the pool, that item, and what people said of it."""
    key = (project, item_id)
    given = await session.get(ModelLabel, key)
    item = None if given is None else await session.get(PoolItem, key)
    return given, item, await session.get(OutcomeRow, key)


@dataclass(frozen=True)
class Records:
    """What is on record of versions by their names, runs and snapshots by their ids.

    `certifications` are those that certified them, oldest first.
    """

    versions: dict[str, Version]
    runs: dict[str, Run]
    datasets: dict[str, Dataset]
    certifications: Sequence[Certification]


async def records(session: Session, project: str, names: Collection[str]) -> Records:
    """Return what is on record of versions."""
    query = select(Version).where(col(Version.project) == project, col(Version.version).in_(names))
    versions = (await session.execute(query)).scalars().all()
    of_runs = select(Run).where(col(Run.run_id).in_({one.run_id for one in versions}))
    of_datasets = select(Dataset).where(
        col(Dataset.project) == project,
        col(Dataset.dataset_id).in_({one.dataset_id for one in versions}),
    )
    certified = (
        select(Certification)
        .where(
            col(Certification.project) == project,
            col(Certification.version).in_(names),
            col(Certification.state) == "certified",
        )
        .order_by(col(Certification.closed_at))
    )
    return Records(
        {one.version: one for one in versions},
        {one.run_id: one for one in (await session.execute(of_runs)).scalars()},
        {one.dataset_id: one for one in (await session.execute(of_datasets)).scalars()},
        (await session.execute(certified)).scalars().all(),
    )


async def data_of(session: Session, project: str, item_id: str) -> dict[str, Any] | None:
    """Return an item's data: of its outcome, of the pool, or of the newest decision on it."""
    key = (project, item_id)
    outcome = await session.get(OutcomeRow, key)
    if outcome is not None and outcome.data:
        return outcome.data
    item = await session.get(PoolItem, key)
    if item is not None and item.data:
        return item.data
    decisions = await newest_decisions(session, project, item_id, 1)
    return dict(decisions[0].row["data"]) if decisions else None


async def newest_labelled(
    session: Session, project: str, without: str, limit: int, before: int | None = None
) -> Sequence[OutcomeRow]:
    """Return the outcomes with a label that were read last, but for an item's own and gold.

    With `before`, a position, those that were read before it.
    """
    query = (
        select(OutcomeRow)
        .where(
            col(OutcomeRow.project) == project,
            col(OutcomeRow.label).is_not(None),
            col(OutcomeRow.erasure).is_(None),
            col(OutcomeRow.item_id) != without,
            # Reviewers who have seen the labels of gold are no longer tested by it.
            col(OutcomeRow.lane) != "gold",
        )
        .order_by(col(OutcomeRow.position).desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(col(OutcomeRow.position) < before)
    return (await session.execute(query)).scalars().all()
