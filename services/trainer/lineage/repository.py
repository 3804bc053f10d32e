"""SQL of the lineage."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

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
    page_before,
    rows_of,
)
from shared.db import Session


async def newest_decisions(
    session: Session, project: str, item_id: str, limit: int
) -> Sequence[LedgerRow]:
    """Return the decisions on an item that were received last, newest first."""
    wanted = (col(LedgerRow.project) == project, col(LedgerRow.item_id) == item_id)
    order = (col(LedgerRow.received_at).desc(), col(LedgerRow.id).desc())
    return await rows_of(session, LedgerRow, *wanted, order=order, limit=limit)


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
    is_named = col(Version.version).in_(names)
    versions = await rows_of(session, Version, col(Version.project) == project, is_named)
    is_run = col(Run.run_id).in_({one.run_id for one in versions})
    is_dataset = col(Dataset.dataset_id).in_({one.dataset_id for one in versions})
    datasets = await rows_of(session, Dataset, col(Dataset.project) == project, is_dataset)
    certified = (
        col(Certification.project) == project,
        col(Certification.version).in_(names),
        col(Certification.state) == "certified",
    )
    return Records(
        {one.version: one for one in versions},
        {one.run_id: one for one in await rows_of(session, Run, is_run)},
        {one.dataset_id: one for one in datasets},
        await rows_of(session, Certification, *certified, order=[col(Certification.closed_at)]),
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
    wanted = (
        col(OutcomeRow.label).is_not(None),
        col(OutcomeRow.erasure).is_(None),
        col(OutcomeRow.item_id) != without,
        # Reviewers who have seen the labels of gold are no longer tested by it.
        col(OutcomeRow.lane) != "gold",
    )
    position = OutcomeRow.position
    return await page_before(session, OutcomeRow, project, position, before, limit, *wanted)
