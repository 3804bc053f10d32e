"""The trainer's schema: that of its models, and reached from every older one with its rows."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

import services.trainer
from services.trainer.projects.repository import read_state
from services.trainer.tables import Base
from shared.db import Database

pytestmark = pytest.mark.sql

SCRIPTS = Path(services.trainer.__path__[0]) / "migrations"
OLD_ROW = text(
    "INSERT INTO project_state (project, pool_seed, audit_epoch, outcomes_seen, trained_position,"
    " next_version, champion, history, policy_revision, channels_revision)"
    " VALUES ('toys', 's', 'e', 0, 0, 2, 'v1', '[]', 1, 1)"
)


def _first_schema(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


# SQLite's indexes of expressions are not compared; PostgreSQL's are.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection:sqlalchemy.exc.SAWarning")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based")
async def test_an_old_schema_becomes_that_of_the_models_and_keeps_its_rows(
    database_url: str,
) -> None:
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(_first_schema)
        await connection.execute(OLD_ROW)
    database = Database(database_url)
    await database.migrate(SCRIPTS)
    async with database.reading() as session:
        state = await read_state(session, "toys")
        assert state is not None
        found = (state.champion, state.challenger, state.challenger_share, state.shadow)
        assert found == ("v1", None, 0.0, [])
    await database.dispose()
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()
