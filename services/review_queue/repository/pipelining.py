"""Statements that go to the database together: PostgreSQL gets them in one message.

Each round trip costs the service and the database as much as the work that it asks for, and goes
through several layers. So these go past SQLAlchemy, over the connection that it keeps.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, CursorResult, TextClause, TextualSelect, bindparam, column, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from services.review_queue.repository.statements import is_postgresql
from shared.db import Session, UtcDateTime

Rows = Sequence[Any]

_DIALECT = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
_PARAMETER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Statement:
    """SQL and its parameters: moments in UTC, and what both drivers take as it is.

    SQL that is a `str` is the driver's own and returns nothing; it is run for each of `rows`.
    """

    clause: TextClause | TextualSelect | str
    parameters: Mapping[str, Any]
    rows: Sequence[tuple[Any, ...]] = ()


@dataclass(frozen=True, eq=False)
class Query:
    """SQL that both databases take, and the types of all columns of its rows, in their order.

    ``{among:names}`` compares with the list `names`, ``{list:column}`` is the JSON list of a group,
    ``{lock}`` stands where rows can be locked: SQLite has one writer instead. `:now` is a moment.
    """

    sql: str
    columns: Mapping[str, TypeEngine[Any]]

    def of(self, session: Session, *, lock: str = "", **parameters: Any) -> Statement:
        """Return the query with these parameters."""
        if is_postgresql(session):
            return Statement(_clause(self, lock, "= ANY(:{})", "json_agg({})"), parameters)
        given = {
            name: orjson.dumps(value).decode() if isinstance(value, list) else value
            for name, value in parameters.items()
        }
        among = "IN (SELECT value FROM json_each(:{}))"
        return Statement(_clause(self, "", among, "json_group_array({})"), given)


@cache
def _clause(query: Query, lock: str, among: str, listed: str) -> TextualSelect:
    sql = query.sql.replace("{lock}", lock)
    for name, spelt in (("among", among), ("list", listed)):
        sql = re.sub(rf"\{{{name}:(\w+)\}}", spelt.format(r"\1"), sql)
    moments = [bindparam("now", type_=UtcDateTime())] if ":now" in sql else []
    # SQLAlchemy finds a row's values by their places, which it remembers from call to call.
    columns = (column(name, kind) for name, kind in query.columns.items())
    return text(sql).bindparams(*moments).columns(*columns)


async def run(
    session: Session, statements: Sequence[Statement], *, last: bool = False
) -> list[Rows]:
    """Run statements in their order; return the rows of each, with its columns as attributes.

    `last` says that nothing follows: on PostgreSQL the transaction is then committed in the same
    message, on SQLite where its block ends.

    Raises `SQLAlchemyError` (one of them, or the commit, has failed; none of them counts then).
    """
    if not statements:
        return []
    connection = await session.connection()
    if is_postgresql(session):
        return await _in_one_message(connection, statements, last=last)
    return await connection.run_sync(_one_by_one, statements)


async def _in_one_message(
    connection: AsyncConnection, statements: Sequence[Statement], *, last: bool
) -> list[Rows]:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    cursors = [psycopg.AsyncRawCursor(driver, row_factory=namedtuple_row) for _ in statements]
    try:
        async with driver.pipeline():
            for cursor, one in zip(cursors, statements, strict=True):
                sql, names = _numbered(one.clause)
                given = [one.parameters[name] for name in names]
                await cursor.execute(sql, given, prepare=True)
            if last:
                await driver.commit()
        return [await one.fetchall() if one.description else [] for one in cursors]
    except psycopg.Error as error:
        raise OperationalError("several statements in one message", None, error) from error


@cache
def _numbered(clause: TextClause | TextualSelect | str) -> tuple[bytes, tuple[str, ...]]:
    """Return SQL as PostgreSQL takes it, and the names of its parameters in their order.

    psycopg would look for them anew at each call: it remembers no SQL as long as that of a claim.
    """
    sql = sql_of(clause)
    names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
    numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql)
    return numbered.replace("%%", "%").encode(), names


@cache
def sql_of(clause: TextClause | TextualSelect | str) -> str:
    """Return SQL as psycopg takes it."""
    return clause if isinstance(clause, str) else str(clause.compile(dialect=_DIALECT))


def _one_by_one(connection: Connection, statements: Sequence[Statement]) -> list[Rows]:
    # All in one step of SQLAlchemy's: each has its price.
    results = (_executed(connection, one) for one in statements)
    return [result.all() if result.returns_rows else [] for result in results]


def _executed(connection: Connection, one: Statement) -> CursorResult[Any]:
    if isinstance(one.clause, str):
        return connection.exec_driver_sql(one.clause, one.rows)
    return connection.execute(one.clause, one.parameters)
