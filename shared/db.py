"""SQL, the same code on SQLite and PostgreSQL: engine, transactions, UTC times, migrations."""

import asyncio
import contextlib
import math
import sqlite3
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, event, inspect, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from shared.schema import Schema, UnusableSchema, known_revisions
from shared.sqlite import WriteConnection, connect

_BUSY_TIMEOUT_MS = 30_000
_BEGIN_WRITING = "BEGIN IMMEDIATE"
# One migration of a database at a time; the number is arbitrary.
_MIGRATION_LOCK = 7_364_928
# PostgreSQL's host may vanish without a word: who waits for it learns so within seconds.
_HANG_UP = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
# A connection that has rested for less is taken as it is.
_TRUSTED_SECONDS = 1.0
_RESTS_SINCE = "rests_since"
# A write that failed is told by `/readyz` for so long.
_TOLD_SECONDS = 10.0


# A standby that was asked to write: its primary is another server now.
_READ_ONLY = "25006"


def database_outage(error: Exception) -> str | None:
    """Tell that the database cannot be reached or written, or has ended its connection.

    An error in a statement is none, nor is a row that breaks a rule.
    """
    if isinstance(error, DBAPIError):
        is_outage = (
            error.connection_invalidated
            or getattr(error.orig, "sqlstate", None) == _READ_ONLY
            or (isinstance(error, OperationalError | InterfaceError) and not _is_mistake(error))
        )
    else:
        # The pool has no connection in time, or the one at hand broke before.
        is_outage = isinstance(error, PoolTimeoutError | DisconnectionError | PendingRollbackError)
    return "database" if is_outage else None


def _is_mistake(error: DBAPIError) -> bool:
    # SQLite calls an error in a statement an operational one too.
    return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC; SQLite, which has no zones, keeps it naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive moment: it would mean another one elsewhere."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Give back an aware moment."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """One service's database: `transaction()` to write in, `reading()` to read in."""

    def __init__(self, url: str, *, trusted_seconds: float = _TRUSTED_SECONDS) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._engine = _engine(url, trusted_seconds)
        # PostgreSQL plans anew what it could plan once, where a LIMIT or a list is a parameter.
        self._repeating = self._engine
        if not self.is_sqlite:
            self._repeating = _engine(url, trusted_seconds, pool_size=2, max_overflow=2)
            event.listen(self._repeating.sync_engine, "connect", plan_once)
        # On SQLite a transaction that begins as a read and turns into a write fails at once,
        # whatever the timeout, so every writer says so from the start.
        self._reader = self._engine.execution_options(sqlite_begin="BEGIN")
        # SQLite has one writer: waiting here is in order, its own busy wait is a lottery.
        self._writer_turn = asyncio.Lock()
        self._failure: DBAPIError | None = None
        self._failed_at = -math.inf

    @contextlib.asynccontextmanager
    async def transaction(self, *, repeated: bool = False) -> AsyncIterator[AsyncSession]:
        """One use case: committed when the block ends, rolled back when it raises.

        `repeated` says that its statements are the same each time, and are to be planned once.
        """
        async with contextlib.AsyncExitStack() as stack:
            if self.is_sqlite:
                await stack.enter_async_context(self._writer_turn)
            session = await stack.enter_async_context(
                AsyncSession(self._repeating if repeated else self._engine, expire_on_commit=False)
            )
            try:
                async with session.begin():
                    yield session
            except (OperationalError, InterfaceError) as error:
                self._failure, self._failed_at = error, time.monotonic()
                raise

    async def check_writes(self) -> dict[str, str]:
        """Say whether a transaction has failed of late: readings may still work on a full disk."""
        ago = time.monotonic() - self._failed_at
        if self._failure is None or ago > _TOLD_SECONDS:
            return {}
        said = self._failure.orig
        code = getattr(said, "sqlite_errorname", None) or getattr(said, "sqlstate", None)
        return {"database_writes": f"one failed {ago:.0f} s ago: {code or type(said).__name__}"}

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A consistent view that writes nothing and waits for no writer."""
        async with AsyncSession(self._reader, expire_on_commit=False) as session:
            yield session

    async def schema(self, scripts: Path) -> Schema:
        """Return the schema as it is, judged by the Alembic folder `scripts`."""
        async with self.reading() as session:
            connection = await session.connection()
            current = await connection.run_sync(_current_revision)
        return Schema(current, known_revisions(scripts))

    async def migrate(self, scripts: Path) -> Schema:
        """Bring the schema to the newest revision in the Alembic folder `scripts`; return it.

        A schema that is ahead of it stays as it is. Processes that migrate at the same time take
        turns.

        Raises
        ------
        UnusableSchema
            The schema is too new for these scripts.
        """
        async with self._engine.connect() as connection:
            schema = await connection.run_sync(_migrate, scripts)
            await connection.commit()
        return schema

    async def dispose(self) -> None:
        """Close every connection."""
        for engine in self.engines:
            await engine.dispose()

    @property
    def engines(self) -> tuple[AsyncEngine, ...]:
        """What statements go through."""
        return tuple(dict.fromkeys((self._engine, self._repeating)))


def _engine(
    url: str, trusted_seconds: float, *, pool_size: int = 10, max_overflow: int = 10
) -> AsyncEngine:
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_async_engine(
            url, connect_args={"isolation_level": None, "async_creator_fn": connect}
        )
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine
    said = make_url(url).query
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        connect_args={name: value for name, value in _HANG_UP.items() if name not in said},
    )
    check = partial(_check_rested, engine.sync_engine.dialect, trusted_seconds)
    event.listen(engine.sync_engine, "checkin", _begin_rest)
    event.listen(engine.sync_engine, "checkout", check)
    return engine


def plan_once(connection: Any, record: object = None) -> None:  # noqa: ARG001 - as above
    """Let a new connection to PostgreSQL plan each prepared statement once, and compile none."""
    cursor = connection.cursor()
    cursor.execute("SET plan_cache_mode = force_generic_plan")
    # A plan made for any number of rows looks dear enough to compile; for these few it never pays.
    cursor.execute("SET jit = off")
    cursor.close()
    connection.commit()


def _begin_rest(connection: Any, record: ConnectionPoolEntry) -> None:  # noqa: ARG001 - as above
    record.info[_RESTS_SINCE] = time.monotonic()


def _check_rested(
    dialect: Dialect,
    trusted_seconds: float,
    connection: Any,
    record: ConnectionPoolEntry,
    proxy: object,  # noqa: ARG001 - as above
) -> None:
    """Ask a connection that has rested whether it is still one; SQLAlchemy would ask each time.

    Asking costs as much as a statement. Who breaks in the middle of work breaks then anyway.
    """
    since = record.info.get(_RESTS_SINCE)
    if since is None or time.monotonic() - since < trusted_seconds:
        return
    try:
        alive = dialect.do_ping(connection)
    except dialect.dbapi.Error as error:  # type: ignore[union-attr]
        raise DisconnectionError from error
    if not alive:
        raise DisconnectionError


def _set_pragmas(connection: Any, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's signature
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: a commit that was answered survives a power cut.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    begin = connection.get_execution_options().get("sqlite_begin", _BEGIN_WRITING)
    driver = connection.connection.driver_connection
    assert isinstance(driver, WriteConnection)
    driver.holds_lock = False
    connection.exec_driver_sql(begin)
    driver.holds_lock = begin == _BEGIN_WRITING


def _current_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revisions = connection.execute(text("SELECT version_num FROM alembic_version"))
    return revisions.scalars().one_or_none()


def _migrate(connection: Connection, scripts: Path) -> Schema:
    # SQLite's transaction holds the write lock from its first statement on.
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    schema = Schema(_current_revision(connection), known_revisions(scripts))
    if schema.standing == "unusable":
        raise UnusableSchema(schema)
    if schema.standing != "behind":
        return schema
    _upgrade(connection, scripts)
    return Schema(schema.newest, schema.known)


def _upgrade(connection: Connection, scripts: Path) -> None:
    # Only who migrates pays for importing it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
