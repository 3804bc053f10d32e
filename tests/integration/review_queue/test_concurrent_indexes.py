"""Indexes of big tables are built while the release before goes on writing (real PostgreSQL)."""

import asyncio

import psycopg
import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.review_queue.app import MIGRATIONS
from shared.db import Database
from tests.harness.waiting import wait_until
from tests.integration.review_queue.test_migrations import _config, _fill_first_revision

pytestmark = pytest.mark.thorough

_BUILT = ("reviewer_tags_by_needs", "tasks_by_needs", "tasks_waiting", "verdicts_by_time")
_INDEXES = (
    "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid"
    " WHERE relname = ANY(%s) ORDER BY relname"
)
_BUILDING = "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()"


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


_VERDICT = (
    "INSERT INTO verdicts (task_id, reviewer, recorded_by, skipped, blind, given_at)"
    " VALUES ('t', 'r{number}', 'r{number}', false, true, now())"
)


async def _fill(url: str) -> None:
    """Make the tables of revision 0017, with one task and one verdict of before 0015."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(_fill_first_revision)
        await connection.run_sync(lambda one: command.upgrade(_config(one), "0014"))
        await connection.execute(text(_VERDICT.format(number=1)))
        await connection.commit()
        await connection.run_sync(lambda one: command.upgrade(_config(one), "0017"))
        await connection.commit()
    await engine.dispose()


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await database.migrate(MIGRATIONS)
    finally:
        await database.dispose()


async def test_tables_can_be_written_while_their_indexes_are_built(postgres_url: str) -> None:
    await _fill(postgres_url)
    with _connect(postgres_url) as writer, _connect(postgres_url) as other:
        # A build waits for transactions that have written to its table.
        other.execute("BEGIN")
        other.execute(_VERDICT.format(number=2))
        migrating = asyncio.gather(_migrate(postgres_url), _migrate(postgres_url))

        def is_building() -> bool:
            return writer.execute(_BUILDING).fetchone() == (1,)

        await wait_until(lambda: is_building() or migrating.done())
        writer.execute("SET lock_timeout = '5s'")
        writer.execute(_VERDICT.format(number=3))
        writer.execute("UPDATE tasks SET turn = 2")
        assert is_building()
        other.execute("COMMIT")
        await migrating
        found = writer.execute(_INDEXES, [list(_BUILT)]).fetchall()
        assert found == [(name, True) for name in _BUILT]
        projects = writer.execute("SELECT project FROM verdicts ORDER BY reviewer").fetchall()
        assert projects == [("shop",), (None,), (None,)]


async def test_an_index_whose_build_broke_off_is_built_again(postgres_url: str) -> None:
    await _fill(postgres_url)
    with _connect(postgres_url) as connection:
        connection.execute("CREATE INDEX tasks_waiting ON tasks (project, created_at, turn)")
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tasks_waiting'::regclass"
        )
        await _migrate(postgres_url)
        found = connection.execute(_INDEXES, [list(_BUILT)]).fetchall()
        assert found == [(name, True) for name in _BUILT]


async def test_processes_that_migrate_at_once_take_turns(postgres_url: str) -> None:
    await asyncio.gather(*(_migrate(postgres_url) for _ in range(4)))
    with _connect(postgres_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            ("0018",)
        ]
