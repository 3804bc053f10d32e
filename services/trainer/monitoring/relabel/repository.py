"""SQL of relabel plans."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select
from sqlmodel import col

from services.trainer.monitoring.slices.repository import newest_first, shortened
from services.trainer.tables import (
    LedgerRow,
    OutcomeRow,
    RelabelItem,
    RelabelPlan,
    is_answered,
    rows_of,
    same_item,
)
from shared.db import Session


class NewItem(NamedTuple):
    """A decision, `shortened`, on an item that people have not labelled."""

    place: int
    item_id: str
    row: dict[str, Any]


async def unlabelled(
    session: Session, project: str, version: str, since: int, limit: int
) -> list[NewItem]:
    """Return the version's newest decisions from a place on, an item and a content once each."""
    query = select(
        col(LedgerRow.id),
        col(LedgerRow.item_id),
        col(LedgerRow.content_hash),
        col(LedgerRow.row),
    ).where(
        col(LedgerRow.project) == project,
        col(LedgerRow.model_version) == version,
        col(LedgerRow.id) >= since,
        ~is_answered(LedgerRow),
    )
    found: dict[str, NewItem] = {}
    items: set[str] = set()
    async for place, item_id, content_hash, row in newest_first(session, query, limit):
        if item_id not in items and row["data"]:
            items.add(item_id)
            found.setdefault(content_hash, NewItem(place, item_id, shortened(row)))
    return list(found.values())


async def add(session: Session, plan: RelabelPlan, items: Sequence[dict[str, Any]]) -> None:
    """Record a plan and its items."""
    session.add(plan)
    if items:
        await session.execute(insert(RelabelItem), list(items))


async def find(
    session: Session, project: str, plan_id: str, *, lock: bool = False
) -> RelabelPlan | None:
    """Return a plan of the project."""
    found = await session.get(RelabelPlan, plan_id, with_for_update=lock)
    return found if found is not None and found.project == project else None


async def newest(session: Session, project: str, limit: int) -> Sequence[RelabelPlan]:
    """Return the project's plans, newest first."""
    of_project = col(RelabelPlan.project) == project
    order = (col(RelabelPlan.created_at).desc(), col(RelabelPlan.plan_id).desc())
    return await rows_of(session, RelabelPlan, of_project, order=order, limit=limit)


class PlanProgress(NamedTuple):
    """How many items a plan has, and how far they are."""

    items: int
    posted: int
    refused: int
    labelled: int


async def progress(session: Session, project: str, plan_id: str) -> PlanProgress:
    """Count the items of a plan."""
    query = (
        select(
            func.count(),
            func.count().filter(col(RelabelItem.posted).is_(True)),
            func.count().filter(col(RelabelItem.refused).is_not(None)),
            func.count().filter(col(OutcomeRow.label).is_not(None)),
        )
        .select_from(RelabelItem)
        .outerjoin(OutcomeRow, same_item(OutcomeRow, RelabelItem))
        .where(col(RelabelItem.project) == project, col(RelabelItem.plan_id) == plan_id)
    )
    return PlanProgress(*(await session.execute(query)).one())
