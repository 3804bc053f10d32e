"""SQL that deletes the content of erased items, and all rows of deleted projects."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import String, Table, cast, delete, literal, select, tuple_, update
from sqlmodel import col

from services.trainer.content import content_hash
from services.trainer.tables import (
    Base,
    CertificationItem,
    LedgerRow,
    ModelLabel,
    OutcomeRow,
    PoolItem,
    ShadowItem,
    batches_of,
    find_items,
    update_items,
)
from shared.db import Session

_NOTHING = content_hash({})
# The row that keeps the numbers of documents and versions, and the lease with its fencing.
_KEPT = ("project_state", "project_leases")
# All else that belongs to a project.
OF_PROJECTS = tuple(
    table
    for table in Base.metadata.sorted_tables
    if "project" in table.columns and table.name not in _KEPT
)


async def erased_among(session: Session, project: str, item_ids: Iterable[str]) -> set[str]:
    """Return those of the items that were erased."""
    query = select(col(OutcomeRow.item_id)).where(col(OutcomeRow.erasure).is_not(None))
    return {row[0] for row in await find_items(session, query, OutcomeRow, project, item_ids)}


async def take_content(session: Session, project: str, item_ids: Iterable[str]) -> None:
    """Empty the items' rows in pool, ledger and certifications; the rows still count."""
    in_pool: dict[str, Any] = {
        # No content digest is kept: anyone holding the content could match it.
        "content_hash": literal("erased:").concat(col(PoolItem.item_id)),
        "state": "erased",
        "posted": True,
        "prediction": None,
    }
    items = list(item_ids)
    for batch in batches_of(items):
        await _empty_ledger(session, project, batch)
        await session.execute(
            delete(ModelLabel).where(
                col(ModelLabel.project) == project, col(ModelLabel.item_id).in_(batch)
            )
        )
    # The key of a row: two contents of one item may stand in one stage.
    key = literal("erased:").concat(cast(col(ShadowItem.place), String))
    await update_items(session, ShadowItem, project, items, content_hash=key)
    nothing: dict[str, Any] = {"data": {}, "item_metadata": {}}
    await update_items(session, PoolItem, project, items, **nothing, **in_pool)
    await update_items(session, CertificationItem, project, items, **nothing)


async def _empty_ledger(session: Session, project: str, item_ids: Sequence[str]) -> None:
    query = select(col(LedgerRow.id), col(LedgerRow.row)).where(
        col(LedgerRow.project) == project, col(LedgerRow.item_id).in_(item_ids)
    )
    for number, row in (await session.execute(query)).all():
        await session.execute(
            update(LedgerRow)
            .where(col(LedgerRow.id) == number)
            .values(row=emptied(row), content_hash=_NOTHING)
        )


def emptied(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the decision log without the item's content."""
    nothing: dict[str, Any] = {"data": {}, "metadata": {}, "confidence": None}
    return {**row, **nothing, "probabilities": None}


async def pending(session: Session, project: str) -> set[str]:
    """Return the erased items that snapshots may still hold."""
    query = select(col(OutcomeRow.item_id)).where(
        col(OutcomeRow.project) == project, col(OutcomeRow.erasure) == "pending"
    )
    return set((await session.execute(query)).scalars())


async def begin_again(session: Session, project: str, after: int) -> None:
    """Let the items that were erased after a position be removed from snapshots again."""
    await session.execute(
        update(OutcomeRow)
        .where(
            col(OutcomeRow.project) == project,
            col(OutcomeRow.erasure) == "done",
            col(OutcomeRow.position) > after,
        )
        .values(erasure="pending")
    )


async def remove_rows(session: Session, table: Table, project: str, limit: int) -> int:
    """Remove up to `limit` rows of a project from a table; return how many."""
    key = table.primary_key.columns
    some = select(*key).where(table.c.project == project).limit(limit)
    gone = delete(table).where(tuple_(*key).in_(some)).returning(*key)
    return len((await session.execute(gone)).all())
