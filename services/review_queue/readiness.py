"""What the service lacks to do its job."""

from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from obstore.exceptions import BaseError as StoreError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import Database
from shared.store import Store

# At the root, where no project's folder can be: their names begin with a letter.
_PROBE = "_review_queue"


@dataclass(frozen=True)
class Readiness:
    """Ready: the database is reachable and migrated, the store can be written.

    Redis is no part of it: without bells everything still works, only less promptly.
    """

    database: Database
    store: Store
    migrations: Path

    async def __call__(self) -> dict[str, str]:
        """Return what is missing; empty when nothing is."""
        missing: dict[str, str] = {}
        try:
            async with self.database.reading() as session:
                current = await _revision(session)
        except (SQLAlchemyError, OSError):
            missing["database"] = "not reachable"
        else:
            if current != self._newest():
                missing["migrations"] = "not at the newest revision; run the migrations"
        try:
            await self.store.write(_PROBE, b"")
        except (StoreError, OSError):
            missing["store"] = "not writable"
        return missing

    def _newest(self) -> str | None:
        config = Config()
        config.set_main_option("script_location", str(self.migrations))
        config.set_main_option("path_separator", "os")
        return ScriptDirectory.from_config(config).get_current_head()


async def _revision(session: AsyncSession) -> str | None:
    connection = await session.connection()
    return await connection.run_sync(
        lambda sync: MigrationContext.configure(sync).get_current_revision()
    )
