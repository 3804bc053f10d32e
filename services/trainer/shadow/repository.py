"""SQL of the items of shadow stages, and of what people said of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import and_, insert, select
from sqlmodel import col

from services.trainer.gate.shadow.betting import ShadowCounts
from services.trainer.outcomes.evidence import evidence_of
from services.trainer.tables import LedgerRow, OutcomeRow, ShadowItem, ShadowStage, batches_of
from shared.contracts.tasks import REVIEWED_SOURCES
from shared.db import Session


async def page(
    session: Session, project: str, offset: int, limit: int, version: str | None = None
) -> Sequence[ShadowStage]:
    """Return stages, newest first."""
    query = select(ShadowStage).where(col(ShadowStage.project) == project)
    if version is not None:
        query = query.where(col(ShadowStage.version) == version)
    query = query.order_by(col(ShadowStage.began_at).desc(), col(ShadowStage.stage_id).desc())
    return (await session.execute(query.offset(offset).limit(limit))).scalars().all()


async def decisions_after(
    session: Session, project: str, version: str, position: int, limit: int
) -> Sequence[LedgerRow]:
    """Return the decisions that a version scored the items of, behind a place in the ledger."""
    query = (
        select(LedgerRow)
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.model_version) == version,
            col(LedgerRow.id) > position,
        )
        .order_by(col(LedgerRow.id))
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def known_contents(session: Session, stage_id: str, contents: Iterable[str]) -> set[str]:
    """Return those of the contents that the stage has scored."""
    found: set[str] = set()
    for batch in batches_of(contents):
        query = select(col(ShadowItem.content_hash)).where(
            col(ShadowItem.stage_id) == stage_id, col(ShadowItem.content_hash).in_(batch)
        )
        found |= set((await session.execute(query)).scalars())
    return found


async def add_items(session: Session, items: Sequence[dict[str, Any]]) -> None:
    """Record what was scored."""
    if items:
        await session.execute(insert(ShadowItem), list(items))


async def counts(session: Session, stage: ShadowStage) -> ShadowCounts:
    """Count what people said of the stage's disagreements so far.

    A verdict counts whichever lane it was given in, if it was given blind.
    """
    query = (
        select(ShadowItem, OutcomeRow)
        .outerjoin(
            OutcomeRow,
            and_(
                col(OutcomeRow.project) == col(ShadowItem.project),
                col(OutcomeRow.item_id) == col(ShadowItem.item_id),
            ),
        )
        .where(col(ShadowItem.stage_id) == stage.stage_id, col(ShadowItem.differs).is_(True))
    )
    found = [_said(item, outcome) for item, outcome in await session.execute(query)]
    return ShadowCounts(
        items=stage.items,
        **{name: found.count(name) for name in ("won", "lost", "neither", "waiting", "unusable")},
    )


def _said(item: ShadowItem, outcome: OutcomeRow | None) -> str:
    if item.refused is not None:
        return "unusable"
    if outcome is None or (outcome.source is not None and outcome.source not in REVIEWED_SOURCES):
        return "waiting"
    evidence = evidence_of(outcome)
    if not evidence.blind:
        return "unusable"
    if evidence.label == item.label:
        return "won"
    return "lost" if evidence.label == item.champion_label else "neither"


async def lock(session: Session, stage_id: str) -> ShadowStage:
    """Return a stage as it is now; the project's lock is held."""
    return await session.get_one(ShadowStage, stage_id, populate_existing=True)
