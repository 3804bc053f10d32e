"""SQL of second opinions, and of the answers that are doubted."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, select, update
from sqlalchemy.orm import Mapped
from sqlmodel import col

from services.trainer.tables import (
    CertificationItem,
    LedgerRow,
    OutcomeRow,
    SecondOpinion,
    find_items,
    rows_of,
    same_item,
)
from services.trainer.tables.evidence import WAITING
from shared.db import Session

Doubt = tuple[str, int]
"""An item, and the revision of its outcome that is doubted."""

_judge = func.coalesce(col(CertificationItem.copy_of), col(CertificationItem.item_id))


def _is_doubted(label: Mapped[str] | Mapped[str | None]) -> ColumnElement[bool]:
    """Say in SQL what `evidence.is_doubted` says, of rows without a second opinion."""
    return and_(
        col(OutcomeRow.evidence_is_lone).is_(True),
        col(OutcomeRow.evidence_blind).is_(True),
        col(OutcomeRow.evidence_label) != label,
        ~exists().where(same_item(SecondOpinion, OutcomeRow)),
    )


def _drawn(certification_ids: Sequence[str]) -> Select[str, int]:
    return (
        select(col(OutcomeRow.item_id), col(OutcomeRow.revision))
        .distinct()
        .join(
            CertificationItem,
            (col(CertificationItem.project) == col(OutcomeRow.project))
            & (_judge == col(OutcomeRow.item_id)),
        )
        .where(col(CertificationItem.certification_id).in_(certification_ids))
    )


async def doubted_draws(session: Session, certification_id: str) -> list[Doubt]:
    """Return drawn items that one reviewer alone answered otherwise than the version."""
    query = _drawn([certification_id]).where(_is_doubted(col(CertificationItem.label)))
    return [(row[0], row[1]) for row in await session.execute(query)]


async def doubted_audits(
    session: Session, project: str, version: str, since: datetime, position: int
) -> list[Doubt]:
    """Return audited answers behind a place in the ledger that one reviewer alone contradicts."""
    query = (
        select(col(OutcomeRow.item_id), col(OutcomeRow.revision))
        .distinct()
        .join(
            LedgerRow,
            same_item(LedgerRow, OutcomeRow)
            & (col(LedgerRow.content_hash) == col(OutcomeRow.content_hash)),
        )
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.model_version) == version,
            col(LedgerRow.id) > position,
            col(LedgerRow.received_at) >= since,
            col(LedgerRow.audited).is_(True),
            col(LedgerRow.decision) == "answered",
            _is_doubted(col(LedgerRow.label)),
        )
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def waited_for(session: Session, certification_id: str) -> set[str]:
    """Return the answered items whose answer is doubted, and whose second opinion may come yet."""
    waiting = exists().where(
        same_item(SecondOpinion, OutcomeRow), col(SecondOpinion.state).in_(WAITING)
    )
    rows = await session.execute(_drawn([certification_id]).where(waiting))
    doubted = await doubted_draws(session, certification_id)
    return {row[0] for row in rows} | {item_id for item_id, _ in doubted}


async def counts(session: Session, certification_ids: Sequence[str]) -> tuple[int, int]:
    """Return how many drawn items another reviewer was asked about, and how many that overturned.

    Overturned: the version's label is the answer of most.
    """
    overturned = and_(
        col(SecondOpinion.state) == "answered",
        col(OutcomeRow.evidence_blind).is_(True),
        col(OutcomeRow.evidence_label) == col(CertificationItem.label),
    )
    rows = (
        _drawn(certification_ids)
        .join(SecondOpinion, same_item(SecondOpinion, OutcomeRow))
        .where(col(SecondOpinion.state).in_(("answered", "unanswered")))
        .add_columns(overturned.label("overturned"))
        .subquery()
    )
    query = select(func.count(), func.count().filter(rows.c.overturned))
    asked, turned = (await session.execute(query.select_from(rows))).one()
    return int(asked), int(turned)


async def waiting(session: Session, project: str) -> Sequence[SecondOpinion]:
    """Return the opinions that are to be asked for, or have not come."""
    wanted = (col(SecondOpinion.project) == project, col(SecondOpinion.state).in_(WAITING))
    return await rows_of(session, SecondOpinion, *wanted)


async def of_items(
    session: Session, project: str, item_ids: Iterable[str]
) -> dict[str, SecondOpinion]:
    """Return the second opinions on these items, by item id."""
    rows = await find_items(session, select(SecondOpinion), SecondOpinion, project, item_ids)
    return {row[0].item_id: row[0] for row in rows}


async def give_up(session: Session, project: str) -> None:
    """Stop waiting for opinions: the review queue may have lost that they were asked for."""
    await session.execute(
        update(SecondOpinion)
        .where(col(SecondOpinion.project) == project, col(SecondOpinion.state).in_(WAITING))
        .values(state="unanswered")
    )
