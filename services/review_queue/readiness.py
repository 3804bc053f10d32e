"""The checks of the review queue's `/readyz`."""

from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from obstore.exceptions import BaseError as StoreError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import Database
from shared.store import Store


async def check_database(database: Database, migrations: Path) -> dict[str, str]:
    """Say whether the database is reachable and migrated: without it the queue cannot serve."""
    try:
        async with database.reading() as session:
            current = await _revision(session)
    except (SQLAlchemyError, OSError):
        return {"database": "not reachable"}
    if current != _newest(migrations):
        return {"migrations": "not at the newest revision; run the migrations"}
    return {}


async def check_store(store: Store) -> dict[str, str]:
    """Say whether the store can be written: until then project documents wait in the database."""
    try:
        await store.probe("review_queue")
    except (StoreError, OSError):
        return {"store": "not writable"}
    return {}


def _newest(migrations: Path) -> str | None:
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config).get_current_head()


async def _revision(session: AsyncSession) -> str | None:
    connection = await session.connection()
    return await connection.run_sync(
        lambda sync: MigrationContext.configure(sync).get_current_revision()
    )
