"""SQL of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Subquery, and_, case, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.trainer.models import LedgerFile, LedgerRow, OutcomeRow
from services.trainer.outcomes.evidence import confirmed
from services.trainer.repository import insert_new


async def files_read(session: AsyncSession, project: str, folder: str) -> set[str]:
    """Return the files under `folder` that were read before."""
    query = select(col(LedgerFile.path)).where(
        col(LedgerFile.project) == project,
        col(LedgerFile.path).startswith(f"{folder}/", autoescape=True),
    )
    return set((await session.execute(query)).scalars())


async def record_file(
    session: AsyncSession, file: LedgerFile, rows: Sequence[dict[str, Any]]
) -> bool:
    """Record a file and its rows; False, and nothing changed, when it was recorded before."""
    if not await insert_new(session, LedgerFile, [file.model_dump()]):
        return False
    if rows:
        await session.execute(insert(LedgerRow), list(rows))
    return True


async def decisions(
    session: AsyncSession, project: str, item_id: str | None, after: int, limit: int
) -> Sequence[LedgerRow]:
    """Return decisions in the order of reading, of one item or of all."""
    query = select(LedgerRow).where(col(LedgerRow.project) == project, col(LedgerRow.id) > after)
    if item_id is not None:
        query = query.where(col(LedgerRow.item_id) == item_id)
    query = query.order_by(col(LedgerRow.id)).limit(limit)
    return (await session.execute(query)).scalars().all()


async def first_decisions(
    session: AsyncSession, project: str, since: datetime, limit: int
) -> Sequence[LedgerRow]:
    """Return the first decision of each item that was first received after `since`, newest first.

    Items that were to be answered or declined, never reviewed, are left out.
    """
    first = (
        select(func.min(col(LedgerRow.id)))
        .where(col(LedgerRow.project) == project)
        .group_by(col(LedgerRow.item_id))
    )
    query = (
        select(LedgerRow)
        .where(
            col(LedgerRow.id).in_(first),
            col(LedgerRow.received_at) > since,
            col(LedgerRow.review) != "never",
        )
        .order_by(col(LedgerRow.id).desc())
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def count(session: AsyncSession, project: str) -> int:
    """Count the decisions of a project."""
    query = select(func.count()).where(col(LedgerRow.project) == project)
    return int((await session.execute(query)).scalar_one())


@dataclass(frozen=True)
class AuditCounts:
    """How many answers of one version were audited, judged by people, and found wrong."""

    version: str
    audited: int
    resolved: int
    errors: int


async def audit_counts(session: AsyncSession, project: str) -> list[AuditCounts]:
    """Count the audited answers of each version that has any, each item's data once a version.

    An answer that people could not judge counts as wrong: silence is no evidence for it. So does
    one that they first judged otherwise, or with the model's word in sight, and one whose item has
    an outcome for other data: the id was used twice, and nobody is asked about the second.
    """
    first = _first_audited(project)
    judged = col(OutcomeRow.item_id).is_not(None)
    same_data = col(OutcomeRow.content_hash) == col(LedgerRow.content_hash)
    right = and_(same_data, confirmed(col(LedgerRow.label)))
    version = func.coalesce(col(LedgerRow.model_version), "")
    statement = (
        select(
            version,
            func.count(),
            func.sum(case((judged, 1), else_=0)),
            func.sum(case((right, 0), (judged, 1), else_=0)),
        )
        .select_from(LedgerRow)
        .join(first, first.c.id == col(LedgerRow.id))
        .outerjoin(
            OutcomeRow,
            and_(
                col(OutcomeRow.project) == project,
                col(OutcomeRow.item_id) == col(LedgerRow.item_id),
            ),
        )
        .group_by(version)
        .order_by(version)
    )
    return [AuditCounts(*row) for row in (await session.execute(statement)).all()]


def _first_audited(project: str) -> Subquery:
    """Ids of the first audited answer of each version to each item's data."""
    return (
        select(func.min(col(LedgerRow.id)).label("id"))
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.audited).is_(True),
            col(LedgerRow.decision) == "answered",
        )
        .group_by(col(LedgerRow.model_version), col(LedgerRow.item_id), col(LedgerRow.content_hash))
        .subquery()
    )
