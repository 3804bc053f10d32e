from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.review_queue.app import MIGRATIONS
from services.review_queue.models import Base
from shared.db import Database


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


def _downgrade(connection: Connection, scripts: Path) -> set[str]:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.downgrade(config, "base")
    return set(inspect(connection).get_table_names())


async def test_migrations_make_the_tables_of_the_models_and_take_them_away(
    database_url: str,
) -> None:
    database = Database(database_url)
    await database.migrate(MIGRATIONS)
    # A second time changes nothing.
    await database.migrate(MIGRATIONS)
    await database.dispose()
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
        assert await connection.run_sync(_downgrade, MIGRATIONS) <= {
            "alembic_version",
            "sqlite_sequence",
        }
    await engine.dispose()
