"""Statements whose spelling differs between SQLite and PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel


def is_postgresql(session: AsyncSession) -> bool:
    """Say which of the two databases `session` speaks to."""
    return session.get_bind().dialect.name == "postgresql"


def table_of(model: type[SQLModel]) -> Table:
    """Return the table of `model`."""
    return model.metadata.tables[str(model.__tablename__)]


async def insert_new(
    session: AsyncSession, model: type[SQLModel], key: str, rows: Sequence[dict[str, Any]]
) -> set[str]:
    """Insert the rows that are not there yet; return the values of column `key` of those.

    Rows go in by `key`: two calls that share rows then wait for one another, and never in a circle.
    """
    if not rows:
        return set()
    table = table_of(model)
    insert = postgresql.insert if is_postgresql(session) else sqlite.insert
    statement = insert(table).on_conflict_do_nothing().returning(table.c[key])
    inserted = await session.execute(statement, sorted(rows, key=lambda row: str(row[key])))
    return set(inserted.scalars())
