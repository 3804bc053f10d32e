"""SQL of the history of promotions, of shadow stages, and of what compares two versions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from services.trainer.tables import (
    LedgerRow,
    OutcomeRow,
    PoolItem,
    ProjectState,
    PromotionEvent,
    ShadowStage,
    count_rows,
    find_items,
    page_before,
    rows_of,
)
from shared.db import Session


def note(
    session: Session,
    state: ProjectState,
    kind: str,
    version: str,
    now: datetime,
    *,
    actor: str | None = None,
    text: str | None = None,
    try_number: int | None = None,
    document: dict[str, Any] | None = None,
) -> None:
    """Add a line to the history, before what it tells of is done."""
    session.add(
        PromotionEvent(
            project=state.project,
            at=now,
            kind=kind,
            version=version,
            champion=state.champion,
            actor=actor,
            note=text,
            try_number=try_number,
            document=document,
        )
    )


async def tries(session: Session, project: str, champion: str | None) -> int:
    """Return how many versions' accuracy was tested against this champion so far."""
    query = select(func.max(col(PromotionEvent.try_number))).where(
        col(PromotionEvent.project) == project, col(PromotionEvent.champion) == champion
    )
    return (await session.execute(query)).scalar_one() or 0


async def events(
    session: Session,
    project: str,
    *,
    before: int | None,
    limit: int,
    version: str | None = None,
    kinds: Sequence[str] = (),
) -> Sequence[PromotionEvent]:
    """Return lines of the history with an id below `before`, newest first."""
    wanted = [] if version is None else [col(PromotionEvent.version) == version]
    if kinds:
        wanted.append(col(PromotionEvent.kind).in_(kinds))
    key = PromotionEvent.id
    return await page_before(session, PromotionEvent, project, key, before, limit, *wanted)


async def labelled_blind(
    session: Session, project: str, lanes: Iterable[str]
) -> Sequence[OutcomeRow]:
    """Return the outcomes of these lanes whose evidence is a label that was given blind."""
    wanted = (
        col(OutcomeRow.project) == project,
        col(OutcomeRow.lane).in_(sorted(lanes)),
        col(OutcomeRow.evidence_label).is_not(None),
        col(OutcomeRow.evidence_blind).is_(True),
        col(OutcomeRow.erasure).is_(None),
    )
    return await rows_of(session, OutcomeRow, *wanted, order=[col(OutcomeRow.item_id)])


async def metadata_of(
    session: Session, project: str, item_ids: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return the metadata of items, as the pool or else their first decision has them."""
    wanted, found = set(item_ids), dict[str, dict[str, Any]]()
    decided = select(col(LedgerRow.item_id), col(LedgerRow.row)["metadata"])
    decided = decided.order_by(col(LedgerRow.id))
    for item_id, metadata in await find_items(session, decided, LedgerRow, project, wanted):
        found.setdefault(item_id, metadata or {})
    pooled = select(col(PoolItem.item_id), col(PoolItem.item_metadata))
    return found | dict(map(tuple, await find_items(session, pooled, PoolItem, project, wanted)))


async def running_stages(session: Session, project: str) -> Sequence[ShadowStage]:
    """Return the stages that go on, oldest first."""
    wanted = (col(ShadowStage.project) == project, col(ShadowStage.state) == "running")
    order = (col(ShadowStage.began_at), col(ShadowStage.stage_id))
    return await rows_of(session, ShadowStage, *wanted, order=order)


async def stages_against(session: Session, project: str, champion: str) -> int:
    """Return how many stages there were against this champion, whatever became of them."""
    return await count_rows(
        session, col(ShadowStage.project) == project, col(ShadowStage.champion) == champion
    )


async def last_decision(session: Session, project: str) -> int:
    """Return the place of the decision that was read last."""
    query = select(func.max(col(LedgerRow.id))).where(col(LedgerRow.project) == project)
    return (await session.execute(query)).scalar_one() or 0
