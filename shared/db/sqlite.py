"""SQLite connections whose short statements do not pay for a thread.

aiosqlite sends each step of each statement to a thread and waits for the answer. In a write
transaction that is most of the cost: its statements are short and, once the write lock is held,
wait for nothing. So those run at once; taking the lock, committing (which waits for the disk) and
all reading outside a write transaction stay in the thread.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

import aiosqlite

_ITER_CHUNK = 64
_MAY_WAIT = frozenset({"commit", "rollback", "close"})


class WriteConnection(aiosqlite.Connection):
    """A connection that runs statements at once while `holds_lock` says so."""

    holds_lock = False

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.holds_lock and getattr(fn, "__name__", "") not in _MAY_WAIT:
            return fn(*args, **kwargs)
        return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]


def connect(database: str, **options: Any) -> WriteConnection:
    """Return a connection to `database`, to be awaited; `options` are those of `sqlite3`."""

    def connector() -> sqlite3.Connection:
        # Two threads use it, one after the other and never at once.
        opened: sqlite3.Connection = sqlite3.connect(
            database, **{**options, "check_same_thread": False}
        )
        return opened

    connection = WriteConnection(connector, _ITER_CHUNK)
    # A process that ends without closing must not hang on the thread.
    connection._thread.daemon = True
    return connection
