"""SQL of the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlmodel import col

from services.trainer.tables import LedgerFile, LedgerRow, insert_new
from shared.db import Session


async def files_read(session: Session, project: str, folder: str) -> set[str]:
    """Return the files under `folder` that were read before."""
    query = select(col(LedgerFile.path)).where(
        col(LedgerFile.project) == project,
        col(LedgerFile.path).startswith(f"{folder}/", autoescape=True),
    )
    return set((await session.execute(query)).scalars())


async def record_file(session: Session, file: LedgerFile, rows: Sequence[dict[str, Any]]) -> bool:
    """Record a file and its rows; False, and nothing changed, when it was recorded before."""
    if not await insert_new(session, LedgerFile, [file.model_dump()]):
        return False
    if rows:
        await session.execute(insert(LedgerRow), list(rows))
    return True


async def decisions(
    session: Session, project: str, item_id: str | None, after: int, limit: int
) -> Sequence[LedgerRow]:
    """Return decisions in the order of reading, of one item or of all."""
    query = select(LedgerRow).where(col(LedgerRow.project) == project, col(LedgerRow.id) > after)
    if item_id is not None:
        query = query.where(col(LedgerRow.item_id) == item_id)
    query = query.order_by(col(LedgerRow.id)).limit(limit)
    return (await session.execute(query)).scalars().all()


async def first_decisions(
    session: Session, project: str, since: datetime, limit: int
) -> Sequence[LedgerRow]:
    """Return the first decision of each item first received after `since`, newest first."""
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
        )
        .order_by(col(LedgerRow.id).desc())
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def count(session: Session, project: str) -> int:
    """Count the decisions of a project."""
    query = select(func.count()).where(col(LedgerRow.project) == project)
    return int((await session.execute(query)).scalar_one())
