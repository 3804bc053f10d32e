"""SQL of the tasks that the review queue is to take, or to withdraw."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update
from sqlmodel import col

from services.trainer.tables import (
    OF_DRAW,
    Certification,
    CertificationItem,
    LedgerRow,
    PoolItem,
    RelabelItem,
    RelabelPlan,
    ShadowItem,
    ShadowStage,
    is_answered,
    rows_of,
)
from shared.db import Session

Withdrawable = type[CertificationItem] | type[ShadowItem]


async def unposted_pool_items(session: Session, project: str, limit: int) -> Sequence[PoolItem]:
    """Return asked items whose tasks the review queue has not acknowledged."""
    wanted = (
        col(PoolItem.project) == project,
        col(PoolItem.state) == "asked",
        col(PoolItem.posted).is_(False),
    )
    order = (col(PoolItem.order_key),)
    return await rows_of(session, PoolItem, *wanted, order=order, limit=limit)


async def unposted_drawn_items(
    session: Session, project: str, limit: int
) -> Sequence[tuple[CertificationItem, str]]:
    """Return drawn items, each with its version, whose tasks are not acknowledged yet."""
    query = (
        select(CertificationItem, col(Certification.version))
        .join(Certification, OF_DRAW)
        .where(
            col(CertificationItem.project) == project,
            col(CertificationItem.posted).is_(False),
            col(Certification.state) == "open",
        )
        .order_by(col(CertificationItem.position))
        .limit(limit)
    )
    return [(item, version) for item, version in await session.execute(query)]


async def unposted_relabels(
    session: Session, project: str, limit: int
) -> Sequence[tuple[RelabelItem, LedgerRow | None]]:
    """Return items of started plans that are not acknowledged; see `_unposted` for the rest."""
    query = (
        _unposted(RelabelItem, project)
        .join(RelabelPlan, col(RelabelPlan.plan_id) == col(RelabelItem.plan_id))
        .where(col(RelabelPlan.state) == "started")
        .order_by(col(RelabelPlan.started_at), col(RelabelItem.position))
    )
    return [(item, row) for item, row in await session.execute(query.limit(limit))]


async def unposted_disagreements(
    session: Session, project: str, limit: int
) -> Sequence[tuple[ShadowItem, LedgerRow | None]]:
    """Return disagreements of stages that go on; see `_unposted` for the rest."""
    query = (
        _unposted(ShadowItem, project)
        .join(ShadowStage, col(ShadowStage.stage_id) == col(ShadowItem.stage_id))
        .where(col(ShadowStage.state) == "running")
        .order_by(col(ShadowItem.place))
    )
    return [(item, row) for item, row in await session.execute(query.limit(limit))]


def _unposted(table: type[RelabelItem] | type[ShadowItem], project: str) -> Any:
    """Return items that are not acknowledged, with their rows of the ledger.

    None stands for a row that is kept no longer. What people have labelled already is left out.
    """
    is_row = and_(
        col(LedgerRow.id) == col(table.place),
        col(LedgerRow.project) == project,
        col(LedgerRow.item_id) == col(table.item_id),
    )
    return (
        select(table, LedgerRow)
        .select_from(table)
        .outerjoin(LedgerRow, is_row)
        .where(col(table.project) == project, col(table.posted).is_(False), ~is_answered(table))
    )


async def end_draws(
    session: Session, project: str, *, draws: Iterable[str] = (), version: str | None = None
) -> None:
    """Let unanswered tasks be withdrawn of certifications that neither wait nor are open.

    `draws` are ids of certifications; without them all of a `version` are meant, or of the project.
    """
    over = select(col(Certification.certification_id)).where(
        col(Certification.project) == project,
        col(Certification.state).not_in(("waiting", "open")),
    )
    if ids := list(draws):
        over = over.where(col(Certification.certification_id).in_(ids))
    if version is not None:
        over = over.where(col(Certification.version) == version)
    is_judge = col(CertificationItem.copy_of).is_(None)
    of_draws = col(CertificationItem.certification_id).in_(over)
    await _end_tasks(session, CertificationItem, of_draws, is_judge)


async def end_disagreements(session: Session, project: str, stages: Iterable[str] = ()) -> None:
    """Let unanswered tasks be withdrawn of shadow stages that have ended.

    `stages` are ids of stages; without them all of the project are meant.
    """
    over = select(col(ShadowStage.stage_id)).where(
        col(ShadowStage.project) == project, col(ShadowStage.state) != "running"
    )
    if ids := list(stages):
        over = over.where(col(ShadowStage.stage_id).in_(ids))
    differs = col(ShadowItem.differs).is_(True)
    await _end_tasks(session, ShadowItem, col(ShadowItem.stage_id).in_(over), differs)


async def _end_tasks(session: Session, table: Withdrawable, *of: ColumnElement[bool]) -> None:
    """Let the tasks of these rows be withdrawn, unless they were refused or answered."""
    left = (col(table.refused).is_(None), ~is_answered(table))
    await session.execute(update(table).where(*of, *left).values(to_withdraw=True))


async def items_to_withdraw(session: Session, project: str, table: Withdrawable) -> list[str]:
    """Return the items whose tasks are to be withdrawn.

    An item has one task: it stays while another draw or stage that goes on waits for it.
    """
    drawn = (
        select(col(CertificationItem.item_id))
        .join(Certification, OF_DRAW)
        .where(
            col(CertificationItem.project) == project,
            col(CertificationItem.refused).is_(None),
            col(Certification.state) == "open",
        )
    )
    differing = (
        select(col(ShadowItem.item_id))
        .join(ShadowStage, col(ShadowStage.stage_id) == col(ShadowItem.stage_id))
        .where(
            col(ShadowItem.project) == project,
            col(ShadowItem.differs).is_(True),
            col(ShadowItem.refused).is_(None),
            col(ShadowStage.state) == "running",
        )
    )
    query = (
        select(col(table.item_id))
        .where(
            col(table.project) == project,
            col(table.to_withdraw),
            col(table.item_id).not_in(drawn),
            col(table.item_id).not_in(differing),
        )
        .distinct()
        .order_by(col(table.item_id))
    )
    return list((await session.execute(query)).scalars())


async def post_unanswered_again(session: Session, project: str) -> None:
    """Let all tasks be posted once more that have no outcome."""
    for table, may_be_asked in (
        (PoolItem, col(PoolItem.state) == "asked"),
        (RelabelItem, col(RelabelItem.refused).is_(None)),
        (ShadowItem, and_(col(ShadowItem.refused).is_(None), col(ShadowItem.differs).is_(True))),
        (
            CertificationItem,
            and_(
                col(CertificationItem.refused).is_(None), col(CertificationItem.copy_of).is_(None)
            ),
        ),
    ):
        await session.execute(
            update(table)
            .where(col(table.project) == project, may_be_asked, ~is_answered(table))
            .values(posted=False)
        )
    # What was withdrawn may be open in the review queue again.
    await end_draws(session, project)
    await end_disagreements(session, project)


async def refuse_copies(session: Session, item: CertificationItem) -> None:
    """Let a refusal of an item's task stand for its copies, whose verdict it was to give."""
    await session.execute(
        update(CertificationItem)
        .where(
            col(CertificationItem.certification_id) == item.certification_id,
            col(CertificationItem.copy_of) == item.item_id,
        )
        .values(refused=item.refused)
    )
