from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.review_queue.app import MIGRATIONS
from services.review_queue.tables import Base
from shared.db import Database

pytestmark = pytest.mark.sql


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _fill_first_revision(connection: Connection) -> None:
    """Make the tables as they were at first, with one task in them."""
    command.upgrade(_config(connection), "0001")
    now = "2026-11-24 06:00:00"
    for statement in (
        f"INSERT INTO projects VALUES ('shop', '{{}}', 1, 1, 1, '{now}', '{now}')",
        (
            "INSERT INTO tasks (task_id, project, item_id, data, data_digest, item_metadata, lane,"
            " evidence, state, available_at, lease_number, created_at, skips, revision)"
            f" VALUES ('t', 'shop', 'a', '{{}}', '', '{{}}', 'pool', false, 'open', '{now}', 0,"
            f" '{now}', 0, 0)"
        ),
    ):
        connection.execute(text(statement))
    connection.commit()


async def test_migrations_make_the_tables_of_the_models(database_url: str) -> None:
    database = Database(database_url)
    await database.migrate(MIGRATIONS)
    # A second time changes nothing.
    await database.migrate(MIGRATIONS)
    await database.dispose()
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


def _verdict_of_then(reviewer: str, token: str) -> str:
    return (
        "INSERT INTO verdicts (task_id, reviewer, recorded_by, token, skipped, blind, given_at)"
        f" VALUES ('t', '{reviewer}', '{reviewer}', {token}, false, true, '2026-11-24 06:00:00')"
    )


_PUT_OFF_AT = 1_795_000_000_000_000


def _fill_ninth_revision(connection: Connection) -> None:
    """Add what the release before 0010 wrote: verdicts, one by a lease, and a task put off."""
    command.upgrade(_config(connection), "0009")
    now = "2026-11-24 06:00:00"
    for statement in (
        (
            "INSERT INTO leases (token, task_id, number, reviewer, leased_at, expires_at,"
            f" suggestion_shown, instructions_revision) VALUES ('l', 't', 1, 'r1', '{now}',"
            f" '{now}', false, 3)"
        ),
        _verdict_of_then("r1", "'l'"),
        _verdict_of_then("r2", "NULL"),
        f"UPDATE tasks SET turn = {10**18 + _PUT_OFF_AT}",
    ):
        connection.execute(text(statement))
    connection.commit()


async def test_verdicts_are_kept_and_tasks_that_were_put_off_come_again(
    database_url: str,
) -> None:
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        await connection.run_sync(_fill_first_revision)
        await connection.run_sync(_fill_ninth_revision)
    database = Database(database_url)
    await database.migrate(MIGRATIONS)
    await database.dispose()
    async with engine.connect() as connection:
        # Replicas that are still to be replaced go on as they did.
        await connection.execute(text(_verdict_of_then("r3", "NULL")))
        found = text("SELECT reviewer, instructions_revision FROM verdicts ORDER BY reviewer")
        rows = (await connection.execute(found)).all()
        assert [tuple(row) for row in rows] == [("r1", None), ("r2", None), ("r3", None)]
        turn = (await connection.execute(text("SELECT turn FROM tasks"))).scalar_one()
        assert turn == _PUT_OFF_AT
    await engine.dispose()


async def test_tasks_of_the_first_revision_are_kept(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        await connection.run_sync(_fill_first_revision)
    database = Database(database_url)
    await database.migrate(MIGRATIONS)
    await database.dispose()
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
        found = text("SELECT item_id, trace, lane_group, adjudication FROM tasks")
        rows = (await connection.execute(found)).all()
        assert [tuple(row) for row in rows] == [("a", None, "elective", False)]
    await engine.dispose()
