"""Statements whose spelling differs between SQLite and PostgreSQL."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, extract, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.selectable import TypedReturnsRows
from sqlmodel import SQLModel

from services.review_queue.tables import table_of
from shared.db import Session

# Rows that are held at a time while many are read; other calls have their turn in between.
_STREAMED_ROWS = 200


def is_postgresql(session: Session) -> bool:
    """Say which of the two databases `session` speaks to."""
    return session.get_bind().dialect.name == "postgresql"


def insert_into(session: Session, model: type[SQLModel]) -> Any:
    """Return an insert that may say what is done about rows that are there already."""
    insert = postgresql.insert if is_postgresql(session) else sqlite.insert
    return insert(table_of(model))


async def insert_new(
    session: Session, model: type[SQLModel], key: str, rows: Sequence[dict[str, Any]]
) -> set[str]:
    """Insert the rows that are not there yet; return the values of column `key` of those.

    Rows go in by `key`: two calls that share rows then wait for one another, and never in a circle.
    """
    if not rows:
        return set()
    column = table_of(model).c[key]
    statement = insert_into(session, model).on_conflict_do_nothing().returning(column)
    inserted = await session.execute(statement, sorted(rows, key=lambda row: str(row[key])))
    return set(inserted.scalars())


def count_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Count the rows for which `condition` holds; 0 of none."""
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def step_number(
    session: Session, moment: ColumnElement[Any], since: datetime, step: int
) -> ColumnElement[int]:
    """Return in which step of so many seconds since `since`, a whole second, a moment lies."""
    seconds = extract("epoch", moment) - int(since.timestamp())
    return func.floor(seconds / step) if is_postgresql(session) else seconds // step


async def fetch(session: Session, statement: TypedReturnsRows[Any]) -> Sequence[Row[Any]]:
    """Return the rows of a statement that has some."""
    rows: Sequence[Row[Any]] = (await session.execute(statement)).all()
    return rows


async def stream(session: Session, statement: Select[Any]) -> AsyncGenerator[Row[Any]]:
    """Yield the rows of a query, a few at a time."""
    result = await session.stream(statement, execution_options={"yield_per": _STREAMED_ROWS})
    try:
        async for row in result:
            yield row
    finally:
        await result.close()
