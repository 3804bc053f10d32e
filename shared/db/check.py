"""Whether a service's database can be used: the same words for each service and each request."""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.db import Database
from shared.logs import cause_of

log = structlog.get_logger()


# A standby that was asked to write: its primary is another server now.
_READ_ONLY = "25006"


def database_outage(error: Exception) -> str | None:
    """Tell that the database cannot be reached or written, or has ended its connection.

    An error in a statement is none, nor is a row that breaks a rule.
    """
    if isinstance(error, DBAPIError):
        # SQLite calls an error in a statement an operational one too.
        is_mistake = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
        is_outage = (
            error.connection_invalidated
            or getattr(error.orig, "sqlstate", None) == _READ_ONLY
            or (isinstance(error, OperationalError | InterfaceError) and not is_mistake)
        )
    else:
        # The pool has no connection in time, or the one at hand broke before.
        is_outage = isinstance(error, PoolTimeoutError | DisconnectionError | PendingRollbackError)
    return "database" if is_outage else None


@dataclass
class DatabaseCheck:
    """A check of `/readyz`; the log has one line when its finding changes, with the cause.

    The finding itself names no cause: it is shown to anyone, and causes may name hosts and users.
    """

    database: Database
    scripts: Path
    service: str
    _found: dict[str, str] = field(default_factory=dict)

    async def __call__(self) -> dict[str, str]:
        """Say why the database cannot be used; empty when it can."""
        cause = None
        try:
            schema = await self.database.schema(self.scripts)
        except (SQLAlchemyError, OSError) as error:
            kind = "SQLite" if self.database.is_sqlite else "PostgreSQL"
            found, cause = {"database": f"{kind} cannot be reached"}, cause_of(error)
        else:
            fault = schema.fault(self.service)
            found = {} if fault is None else {"migrations": fault}
        if found != self._found:
            self._found = found
            if found:
                log.warning("database_unusable", **found, cause=cause)
            else:
                log.info("database_usable_again")
        return found
