"""SQL, the same code on SQLite and PostgreSQL: engine, transactions, UTC times, migrations."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, event, exc, text
from sqlalchemy import Row as DatabaseRow
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from shared.db.schema import Schema, current_revision, known_revisions, migrate, taking_turns
from shared.db.sqlite import SqliteConnection, connect

# For modules without SQL, which do not import SQLAlchemy.
Session = AsyncSession
DatabaseFault = exc.SQLAlchemyError
Row = DatabaseRow[Any]

_BUSY_TIMEOUT_MS, _BEGIN_WRITING = 30_000, "BEGIN IMMEDIATE"
# PostgreSQL's host may vanish without a word: who waits for it learns so within seconds.
_HANG_UP = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
# A connection that has rested for less is taken as it is.
_TRUSTED_SECONDS, _RESTS_SINCE = 1.0, "rests_since"
_TRY_AGAIN_SECONDS = 10.0  # after a write that failed, in `/readyz`
# It leaves nothing, and is written all the same: SQLite would not write a row that stays as it is.
_TINY_WRITE = (
    text("INSERT INTO alembic_version VALUES ('')"),
    text("DELETE FROM alembic_version WHERE version_num = ''"),
)


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
    """One service's database: `transaction()` to write in, `reading()` to read in.

    PostgreSQL ends a transaction of ours that says nothing for `idle_seconds`; None: never.
    """

    def __init__(
        self,
        url: str,
        *,
        trusted_seconds: float = _TRUSTED_SECONDS,
        idle_seconds: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._engine = _engine(url, trusted_seconds)
        # PostgreSQL plans anew what it could plan once, where a LIMIT or a list is a parameter.
        self._repeating = self._engine
        if not self.is_sqlite:
            self._repeating = _engine(url, trusted_seconds, pool_size=2, max_overflow=2)
            event.listen(self._repeating.sync_engine, "connect", plan_once)
        if idle_seconds is not None and not self.is_sqlite:
            for engine in self.engines:
                event.listen(engine.sync_engine, "connect", partial(_bound_idling, idle_seconds))
        # On SQLite a transaction that begins as a read and turns into a write fails at once,
        # whatever the timeout, so every writer says so from the start.
        self._reader = self._engine.execution_options(sqlite_begin="BEGIN")
        # SQLite has one writer: waiting here is in order, its own busy wait is a lottery.
        self._writer_turn = asyncio.Lock()
        self._failure: exc.DBAPIError | None = None
        self._now, self._failed_at = now, 0.0

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
            except (exc.OperationalError, exc.InterfaceError) as error:
                self._failure, self._failed_at = error, self._now()
                raise

    async def check_writes(self) -> dict[str, str]:
        """Say that a transaction failed, until a write succeeds that is tried every ten seconds.

        Readings may still work on a full disk.
        """
        if self._failure is not None and self._now() - self._failed_at > _TRY_AGAIN_SECONDS:
            await self._try_write()
        if self._failure is None:
            return {}
        said, ago = self._failure.orig, self._now() - self._failed_at
        code = getattr(said, "sqlite_errorname", None) or getattr(said, "sqlstate", None)
        return {"database_writes": f"one failed {ago:.0f} s ago: {code or type(said).__name__}"}

    async def _try_write(self) -> None:
        try:
            async with self.transaction() as session:
                for statement in _TINY_WRITE:
                    await session.execute(statement)
        except exc.DBAPIError as error:
            # Also what `transaction` takes no note of, as the refusal of a standby is.
            self._failure, self._failed_at = error, self._now()
        else:
            self._failure = None

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A consistent view that writes nothing and waits for no writer."""
        async with AsyncSession(self._reader, expire_on_commit=False) as session:
            yield session

    async def schema(self, scripts: Path) -> Schema:
        """Return the schema as it is, judged by the Alembic folder `scripts`."""
        async with self.reading() as session:
            connection = await session.connection()
            current = await connection.run_sync(current_revision)
        return Schema(current, known_revisions(scripts))

    async def migrate(self, scripts: Path) -> Schema:
        """Bring the schema to the newest revision in the Alembic folder `scripts`; return it.

        A schema that is ahead of it stays as it is. Processes that migrate at the same time take
        turns.

        Raises `UnusableSchema`: the schema is too new for these scripts.
        """
        async with self._engine.connect() as connection, taking_turns(connection):
            schema = await connection.run_sync(migrate, scripts)
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
    make = partial(create_async_engine, url, pool_size=pool_size, max_overflow=max_overflow)
    if make_url(url).get_backend_name() == "sqlite":
        own = {"isolation_level": None, "async_creator_fn": connect}
        # The last one used comes first: a connection's page cache is void once another has written.
        engine = make(connect_args=own, pool_use_lifo=True)
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine
    said = make_url(url).query
    engine = make(connect_args={name: one for name, one in _HANG_UP.items() if name not in said})
    check = partial(_check_rested, engine.sync_engine.dialect, trusted_seconds)
    event.listen(engine.sync_engine, "checkin", _begin_rest)
    event.listen(engine.sync_engine, "checkout", check)
    return engine


def plan_once(connection: Any, record: object = None) -> None:  # noqa: ARG001 - as above
    """Let a new connection to PostgreSQL plan each prepared statement once, and compile none."""
    # A plan for any number of rows would compile, or read a whole table for the few keys at hand.
    off = "".join(f"; SET enable_{plan} = off" for plan in ("seqscan", "hashjoin", "mergejoin"))
    _execute(connection, f"SET plan_cache_mode = force_generic_plan; SET jit = off{off}")


def _bound_idling(seconds: float, connection: Any, record: object) -> None:  # noqa: ARG001 - as above
    milliseconds = round(seconds * 1000)
    _execute(connection, f"SET idle_in_transaction_session_timeout = {milliseconds}")


def _execute(connection: Any, *statements: str) -> None:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
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
        raise exc.DisconnectionError from error
    if not alive:
        raise exc.DisconnectionError


def _set_pragmas(connection: Any, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's signature
    # FULL: a commit that was answered survives a power cut.
    settings = (f"busy_timeout={_BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL")
    _execute(connection, *(f"PRAGMA {one}" for one in (*settings, "foreign_keys=ON")))


def _begin(connection: Connection) -> None:
    begin = connection.get_execution_options().get("sqlite_begin", _BEGIN_WRITING)
    driver = connection.connection.driver_connection
    assert isinstance(driver, SqliteConnection)
    driver.holds_lock = False
    connection.exec_driver_sql(begin)
    driver.holds_lock = begin == _BEGIN_WRITING
