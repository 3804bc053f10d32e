"""SQLite connections whose short statements do not pay for a thread.

aiosqlite sends each step of each statement to a thread and waits for the answer, which costs more
than most steps do. So what waits for nothing runs at once: making and closing a cursor, the begin
and the end of a reading, and, once the write lock is held, all statements of a write transaction.
Taking that lock, committing (which waits for the disk), rolling writes back, and the statements of
readings (which may be long) stay in the thread.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

import aiosqlite

_ITER_CHUNK = 64


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
        name = getattr(fn, "__name__", "")
        if name in {"commit", "rollback"}:
            # SQLAlchemy rolls back once more after a commit.
            return not self.in_transaction or (name == "rollback" and not self.holds_lock)
        if name == "close":
            return isinstance(getattr(fn, "__self__", None), sqlite3.Cursor)
        return self.holds_lock or name == "cursor" or args[:1] == ("BEGIN",)


def connect(database: str, **options: Any) -> SqliteConnection:
    """Return a connection to `database`, to be awaited; `options` are those of `sqlite3`."""

    def connector() -> sqlite3.Connection:
        # Two threads use it, one after the other and never at once.
        opened: sqlite3.Connection = sqlite3.connect(
            database, **{**options, "check_same_thread": False}
        )
        return opened

    connection = SqliteConnection(connector, _ITER_CHUNK)
    # A process that ends without closing must not hang on the thread.
    connection._thread.daemon = True
    return connection
