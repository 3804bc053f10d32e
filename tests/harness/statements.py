"""SQL in tests: which statements a database got, each compiled once in a process.

SQLAlchemy caches compiled statements by engine and by dialect object, and a test that has a
database of its own makes both anew. Here each engine of one kind of database has an equal dialect,
and shares their cache.
"""

import contextlib
from collections.abc import Awaitable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Dialect, Engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import (
    PGDialect_psycopg,
    PGDialectAsync_psycopg,
)
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine import URL
from sqlalchemy.util import LRUCache

from shared.db import Database, Session

T = TypeVar("T")
_STATEMENTS: LRUCache[Any, Any] = LRUCache(5_000)


class _Equal:
    """A dialect that equals the others of its class: `shared.db` makes all of them alike."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """Give a new engine the cache of all."""
        engine._compiled_cache = _STATEMENTS


class EqualSqlite(_Equal, SQLiteDialect_aiosqlite):
    """SQLite."""

    supports_statement_cache = True


class EqualPostgres(_Equal, PGDialectAsync_psycopg):
    """PostgreSQL."""

    supports_statement_cache = True


class Psycopg(PGDialect_psycopg):
    """PostgreSQL, for engines that are not asynchronous: as it is."""

    supports_statement_cache = True

    @classmethod
    def get_async_dialect_cls(cls, url: URL) -> type[Dialect]:
        """Return the dialect of asynchronous engines."""
        return EqualPostgres


def share_compiled_statements() -> None:
    """Let each engine that is created from now on share compiled statements."""
    registry.register("sqlite.aiosqlite", __name__, EqualSqlite.__name__)
    registry.register("postgresql.psycopg", __name__, Psycopg.__name__)


@contextlib.contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """Note the statements that go through `database` in the block; not those of other tests."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    for engine in database.engines:
        event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        for engine in database.engines:
            event.remove(engine.sync_engine, "before_cursor_execute", note)


async def plans_of(session: Session, answer: Awaitable[T]) -> tuple[T, list[list[str]]]:
    """Return what asking in `session` gave, and the plan of each of its statements, in lines."""
    connection = await session.connection()
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(connection.sync_connection, "before_cursor_execute", note)
    given = await answer
    event.remove(connection.sync_connection, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    plans = []
    for statement, parameters in asked:
        plan = await connection.exec_driver_sql(f"{explain} {statement}", parameters)
        plans.append([str(row[-1]) for row in plan.all()])
    return given, plans
