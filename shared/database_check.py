"""Whether a service's database can be used: the same check, in the same words, for each service."""

from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared.db import Database
from shared.logs import cause_of

log = structlog.get_logger()


class DatabaseCheck:
    """A check of `/readyz`; the log has one line when its finding changes, with the cause.

    The finding itself names no cause: it is shown to anyone, and causes may name hosts and users.
    """

    def __init__(self, database: Database, scripts: Path, service: str) -> None:
        self._database = database
        self._scripts = scripts
        self._service = service
        self._found: dict[str, str] = {}

    async def __call__(self) -> dict[str, str]:
        """Say why the database cannot be used; empty when it can."""
        cause = None
        try:
            schema = await self._database.schema(self._scripts)
        except (SQLAlchemyError, OSError) as error:
            kind = "SQLite" if self._database.is_sqlite else "PostgreSQL"
            found, cause = {"database": f"{kind} cannot be reached"}, cause_of(error)
        else:
            fault = schema.fault(self._service)
            found = {} if fault is None else {"migrations": fault}
        if found != self._found:
            self._found = found
            if found:
                log.warning("database_unusable", **found, cause=cause)
            else:
                log.info("database_usable_again")
        return found
