"""SQL of the watch of drift."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlmodel import col

from services.trainer.tables import LedgerRow, find_items
from shared.db import Session


class Decided(NamedTuple):
    """A decision as it was logged, and its place in the ledger."""

    place: int
    item_id: str
    received_at: datetime
    row: dict[str, Any]


async def decisions_after(
    session: Session, project: str, version: str, place: int, limit: int
) -> list[Decided]:
    """Return the version's decisions behind a place in the ledger, in its order."""
    query = (
        _decided(project, version)
        .where(col(LedgerRow.id) > place)
        .order_by(col(LedgerRow.id))
        .limit(limit)
    )
    return [Decided(*row) for row in (await session.execute(query)).all()]


async def decisions_before(
    session: Session, project: str, version: str, place: int, limit: int
) -> list[Decided]:
    """Return the version's decisions before a place in the ledger, newest first."""
    query = (
        _decided(project, version)
        .where(col(LedgerRow.id) < place)
        .order_by(col(LedgerRow.id).desc())
        .limit(limit)
    )
    return [Decided(*row) for row in (await session.execute(query)).all()]


def _decided(project: str, version: str) -> Any:
    return select(
        col(LedgerRow.id), col(LedgerRow.item_id), col(LedgerRow.received_at), col(LedgerRow.row)
    ).where(col(LedgerRow.project) == project, col(LedgerRow.model_version) == version)


async def first_places(
    session: Session, project: str, version: str, item_ids: Sequence[str]
) -> dict[str, int]:
    """Return the place of the version's first decision on each of these items."""
    query = (
        select(col(LedgerRow.item_id), func.min(col(LedgerRow.id)))
        .where(col(LedgerRow.model_version) == version)
        .group_by(col(LedgerRow.item_id))
    )
    rows = await find_items(session, query, LedgerRow, project, item_ids)
    return {row[0]: row[1] or 0 for row in rows}


async def place_before(
    session: Session, project: str, version: str, moment: datetime, items: int, after: int
) -> int:
    """Return the place behind which the last `items` decisions before a moment stand.

    None of them stands at `after` or before it.
    """
    query = (
        select(col(LedgerRow.id))
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.model_version) == version,
            col(LedgerRow.id) > after,
            col(LedgerRow.received_at) < moment,
        )
        .order_by(col(LedgerRow.id).desc())
        .offset(items)
        .limit(1)
    )
    found = (await session.execute(query)).scalar_one_or_none()
    return after if found is None else int(found)
