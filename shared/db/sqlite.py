"""SQLite connections whose short statements do not pay for a thread.

aiosqlite sends each step of each statement to a thread and waits for the answer, which costs more
than most steps do. So what waits for nothing runs at once: making and closing a cursor, the begin
and the end of a reading, and, once the write lock is held, all statements of a write transaction.
Taking that lock, committing (which waits for the disk), rolling writes back, and the statements of
readings (which may be long) stay in the thread, which reads the first rows with the statement: of
most readings those are all.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

import aiosqlite

_ITER_CHUNK = 64
# How many rows are read together with their statement.
_FIRST_ROWS = 64


class _Cursor(sqlite3.Cursor):
    """A cursor that reads its first rows as it executes a statement.

    `is_read` says that these were all, so that fetching them waits for nothing.
    """

    _first: list[Any]
    is_read = False

    def execute(self, sql: str, parameters: Any = (), /) -> "_Cursor":
        self._first, self.is_read = [], False
        super().execute(sql, parameters)
        if self.description is not None:
            self._first = super().fetchmany(_FIRST_ROWS)
            self.is_read = len(self._first) < _FIRST_ROWS
        return self

    def fetchone(self) -> Any:
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        wanted = size or self.arraysize
        rows, self._first = self._first[:wanted], self._first[wanted:]
        return rows + super().fetchmany(wanted - len(rows)) if len(rows) < wanted else rows

    def fetchall(self) -> list[Any]:
        rows, self._first = self._first, []
        return rows if self.is_read else rows + super().fetchall()


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


class SqliteConnection(aiosqlite.Connection):
    """A connection that runs at once what waits for nothing.

    `holds_lock` says that its transaction has the write lock.
    """

    holds_lock = False

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._waits_for_nothing(fn, args):
            return fn(*args, **kwargs)
        return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]

    def _waits_for_nothing(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        name, owner = getattr(fn, "__name__", ""), getattr(fn, "__self__", None)
        if name in {"commit", "rollback"}:
            # SQLAlchemy rolls back once more after a commit.
            return not self.in_transaction or (name == "rollback" and not self.holds_lock)
        if name == "close":
            return isinstance(owner, sqlite3.Cursor)
        if name == "fetchall" and isinstance(owner, _Cursor) and owner.is_read:
            return True
        return self.holds_lock or name == "cursor" or args[:1] == ("BEGIN",)


def connect(database: str, **options: Any) -> SqliteConnection:
    """Return a connection to `database`, to be awaited; `options` are those of `sqlite3`."""

    def connector() -> sqlite3.Connection:
        # Two threads use it, one after the other and never at once.
        own = {"check_same_thread": False, "factory": _Connection}
        opened: sqlite3.Connection = sqlite3.connect(database, **{**options, **own})
        return opened

    connection = SqliteConnection(connector, _ITER_CHUNK)
    # A process that ends without closing must not hang on the thread.
    connection._thread.daemon = True
    return connection
