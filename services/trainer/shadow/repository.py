"""SQL of the items of shadow stages, and of what people said of them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, String, cast, func, insert, select
from sqlalchemy.orm import defer
from sqlmodel import col

from services.trainer.gate.shadow.betting import ShadowCounts
from services.trainer.outcomes.evidence import evidence_of
from services.trainer.tables import (
    LedgerRow,
    OutcomeRow,
    ShadowItem,
    ShadowStage,
    batches_of,
    find_items,
    fitting,
    rows_of,
    same_item,
)
from shared.db import Session

# Columns of outcomes that are large, and that no verdict is read from.
_LARGE: tuple[Any, ...] = (col(OutcomeRow.data), col(OutcomeRow.prediction))


async def page(
    session: Session, project: str, offset: int, limit: int, version: str | None = None
) -> Sequence[ShadowStage]:
    """Return stages, newest first."""
    wanted = [col(ShadowStage.project) == project]
    if version is not None:
        wanted.append(col(ShadowStage.version) == version)
    order = (col(ShadowStage.began_at).desc(), col(ShadowStage.stage_id).desc())
    return await rows_of(session, ShadowStage, *wanted, order=order, limit=limit, offset=offset)


def _unread(query: Select[Any], stage: ShadowStage, limit: int) -> Select[Any]:
    return (
        query.where(
            col(LedgerRow.project) == stage.project,
            col(LedgerRow.model_version) == stage.champion,
            col(LedgerRow.id) > stage.position,
        )
        .order_by(col(LedgerRow.id))
        .limit(limit)
    )


async def count_unread(session: Session, stage: ShadowStage, most: int) -> int:
    """Count the champion's decisions that the stage has not looked at: up to `most`."""
    unread = _unread(select(col(LedgerRow.id)), stage, most).subquery()
    return int((await session.execute(select(func.count()).select_from(unread))).scalar_one())


async def next_unread(session: Session, stage: ShadowStage, most: int) -> Sequence[LedgerRow]:
    """Return the next of these decisions: up to `most`, and as many as are `fitting`."""
    size = func.length(cast(col(LedgerRow.row), String))
    sizes = (await session.execute(_unread(select(size), stage, most))).scalars().all()
    query = _unread(select(LedgerRow), stage, fitting(sizes))
    rows: Sequence[LedgerRow] = (await session.execute(query)).scalars().all()
    return rows


async def scored_before(
    session: Session, stage_id: str, rows: Sequence[LedgerRow]
) -> tuple[set[str], set[str]]:
    """Return the contents of the rows, and their item ids, that the stage has scored."""
    contents, item_ids = set[str](), set[str]()
    for column, values, found in (
        (col(ShadowItem.content_hash), [row.content_hash for row in rows], contents),
        (col(ShadowItem.item_id), [row.item_id for row in rows], item_ids),
    ):
        for batch in batches_of(values):
            query = select(column).where(col(ShadowItem.stage_id) == stage_id, column.in_(batch))
            found |= set((await session.execute(query)).scalars())
    return contents, item_ids


async def judged_otherwise(
    session: Session, stage: ShadowStage, rows: Sequence[LedgerRow]
) -> set[str]:
    """Return the items of rows whose outcome is no first verdict on the row's content.

    Or it was given before the stage began. People are not asked about such an item again.
    """
    contents = {row.item_id: row.content_hash for row in rows}
    query = select(OutcomeRow).options(*(defer(column) for column in _LARGE))
    return {
        one.item_id
        for (one,) in await find_items(session, query, OutcomeRow, stage.project, contents)
        if one.revision != 1 or not _is_on(one, contents[one.item_id], stage)
    }


def _is_on(outcome: OutcomeRow, content_hash: str, stage: ShadowStage) -> bool:
    """Say whether an outcome is on this content, and from the time of the stage."""
    return outcome.content_hash == content_hash and outcome.resolved_at >= stage.began_at


async def add_items(session: Session, items: Sequence[dict[str, Any]]) -> None:
    """Record what was scored."""
    if items:
        await session.execute(insert(ShadowItem), list(items))


async def counts(session: Session, stage: ShadowStage) -> ShadowCounts:
    """Count what people said of the stage's disagreements so far.

    A verdict counts whichever lane it was given in, if it was given blind, on the content that the
    two versions scored, and since the stage began. What the item's task came to later changes none.
    """
    query = (
        select(ShadowItem, OutcomeRow)
        .outerjoin(OutcomeRow, same_item(OutcomeRow, ShadowItem))
        .where(col(ShadowItem.stage_id) == stage.stage_id, col(ShadowItem.differs).is_(True))
        .options(*(defer(column) for column in _LARGE))
    )
    found = [_said(stage, item, outcome) for item, outcome in await session.execute(query)]
    return ShadowCounts(
        items=stage.items,
        **{name: found.count(name) for name in ("won", "lost", "neither", "waiting", "unusable")},
    )


def _said(stage: ShadowStage, item: ShadowItem, outcome: OutcomeRow | None) -> str:
    if item.refused is not None:
        return "unusable"
    if outcome is None:
        return "waiting"
    evidence = evidence_of(outcome)
    # An erased item has no content to compare, and its outcome may be that of no reviewer.
    is_erased = outcome.erasure is not None and evidence.label is not None
    if not evidence.blind or not (is_erased or _is_on(outcome, item.content_hash, stage)):
        return "unusable"
    if evidence.label == item.label:
        return "won"
    return "lost" if evidence.label == item.champion_label else "neither"


async def lock(session: Session, stage_id: str) -> ShadowStage:
    """Return a stage as it is now; the project's lock is held."""
    return await session.get_one(ShadowStage, stage_id, populate_existing=True)
