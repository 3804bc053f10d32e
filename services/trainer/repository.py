"""The project's row, which is its lock, and an insert that skips what is there."""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.trainer.models import Base, ProjectState


async def lock_state(session: AsyncSession, project: str) -> ProjectState:
    """Return the project's row, locked until the transaction ends; made when there is none."""
    query = select(ProjectState).where(col(ProjectState.project) == project).with_for_update()
    found = (await session.execute(query)).scalar_one_or_none()
    if found is not None:
        return found
    fresh = ProjectState(
        project=project, pool_seed=secrets.token_hex(16), audit_epoch=secrets.token_hex(16)
    )
    await insert_new(session, ProjectState, [fresh.model_dump()])
    return (await session.execute(query)).scalar_one()


async def read_state(session: AsyncSession, project: str) -> ProjectState | None:
    """Return the project's row as it is."""
    return await session.get(ProjectState, project)


async def states(session: AsyncSession) -> Sequence[ProjectState]:
    """Return the rows of all projects that the trainer has worked for, by name."""
    query = select(ProjectState).order_by(col(ProjectState.project))
    return (await session.execute(query)).scalars().all()


async def insert_new(
    session: AsyncSession, table: type[Base], rows: Sequence[dict[str, Any]]
) -> int:
    """Insert `rows`, skipping each that a unique constraint already knows; return how many."""
    if not rows:
        return 0
    target: Table = table.__table__  # type: ignore[attr-defined]
    keys = list(target.primary_key.columns)
    if session.get_bind().dialect.name == "sqlite":
        statement = sqlite.insert(target).on_conflict_do_nothing().returning(*keys)
    else:
        statement = postgresql.insert(target).on_conflict_do_nothing().returning(*keys)
    return len((await session.execute(statement, list(rows))).all())
