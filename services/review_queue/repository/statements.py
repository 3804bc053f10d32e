"""Statements whose spelling differs between SQLite and PostgreSQL."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    TextualSelect,
    bindparam,
    case,
    column,
    func,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import TypedReturnsRows
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

# Rows that are held at a time while many are read; other calls have their turn in between.
_STREAMED_ROWS = 200


def is_postgresql(session: AsyncSession) -> bool:
    """Say which of the two databases `session` speaks to."""
    return session.get_bind().dialect.name == "postgresql"


def spelt(session: AsyncSession, sql: str, *, lock: str = "") -> str:
    """Return SQL as this database takes it.

    ``{among:names}`` compares with the list `names` (see `listed`); `lock` ends it where rows can
    be locked: SQLite has one writer instead.
    """
    return _spelt(sql, lock, locks=is_postgresql(session))


@cache
def _spelt(sql: str, lock: str, *, locks: bool) -> str:
    among = r"= ANY(:\1)" if locks else r"IN (SELECT value FROM json_each(:\1))"
    return re.sub(r"\{among:(\w+)\}", among, sql) + (lock if locks else "")


def typed(sql: str, columns: Mapping[str, Any], **parameters: TypeEngine[Any]) -> TextualSelect:
    """Return a query of `columns`, all of them in their order, and the types of `parameters`.

    SQLAlchemy then finds a row's values by their places, which it remembers from call to call.
    """
    bound = text(sql).bindparams(
        *(bindparam(name, type_=kind) for name, kind in parameters.items())
    )
    return bound.columns(*(column(name, kind) for name, kind in columns.items()))


def listed(session: AsyncSession, values: Sequence[str]) -> list[str] | str:
    """Return a list as the parameter of ``{among:…}``."""
    return list(values) if is_postgresql(session) else orjson.dumps(values).decode()


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


def count_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Count the rows for which `condition` holds; 0 of none."""
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


async def fetch(session: AsyncSession, statement: TypedReturnsRows[Any]) -> Sequence[Row[Any]]:
    """Return the rows of a statement that has some."""
    rows: Sequence[Row[Any]] = (await session.execute(statement)).all()
    return rows


async def stream(session: AsyncSession, statement: Select[Any]) -> AsyncGenerator[Row[Any]]:
    """Yield the rows of a query, a few at a time."""
    result = await session.stream(statement, execution_options={"yield_per": _STREAMED_ROWS})
    try:
        async for row in result:
            yield row
    finally:
        await result.close()
