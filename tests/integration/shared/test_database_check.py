"""What `/readyz` of a service with a database says of it, and what the log does."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from structlog.testing import capture_logs

import services.review_queue.app as review_queue
import services.trainer.app as trainer
from services.review_queue.settings import ReviewQueueSettings
from services.trainer.resources import MIGRATIONS as TRAINER_MIGRATIONS
from services.trainer.settings import TrainerSettings
from shared.db import Database
from shared.db.check import DatabaseCheck
from shared.settings import CommonSettings
from tests.harness import client, free_port, serve, wait_until
from tests.harness.processes import ROOT

pytestmark = pytest.mark.sql

Make = Callable[[CommonSettings, str], FastAPI]


def _queue(common: CommonSettings, url: str) -> FastAPI:
    return review_queue.create_app(common, ReviewQueueSettings(database_url=url))


def _trainer(common: CommonSettings, url: str) -> FastAPI:
    return trainer.create_app(common, TrainerSettings(database_url=url))


BOTH = pytest.mark.parametrize("make", [_queue, _trainer])


@contextlib.contextmanager
def _lines(event: str) -> Iterator[list[Any]]:
    """Give the log lines of the block that are `event`, once it has ended."""
    found: list[Any] = []
    with capture_logs() as lines:
        yield found
    found += [line for line in lines if line["event"] == event]


@BOTH
async def test_postgresql_that_is_away_is_named_and_is_not_called_unmigrated(
    make: Make, common: CommonSettings
) -> None:
    url = f"postgresql+psycopg://surehand@127.0.0.1:{free_port()}/none"
    async with serve(make(common, url)) as base, client(base) as anyone:

        async def is_named() -> bool:
            response = await anyone.get("/readyz")
            assert response.status_code == 503
            return bool(response.json()["missing"] == {"database": "PostgreSQL cannot be reached"})

        await wait_until(is_named)
        assert (await anyone.get("/healthz")).status_code == 200


@pytest.mark.parametrize("service", ["review_queue", "trainer"])
async def test_a_schema_without_tables_is_named_with_the_command_that_makes_them(
    service: str, database_url: str
) -> None:
    database = Database(database_url)
    check = DatabaseCheck(database, ROOT / "services" / service / "migrations", service)
    fault = f"the database has no tables: run `python -m services migrate {service}`"
    assert await check() == {"migrations": fault}
    await database.dispose()


async def test_one_line_of_the_log_says_that_the_database_went_and_one_that_it_came_back(
    sqlite_url: str,
) -> None:
    database = Database(sqlite_url)
    await database.migrate(TRAINER_MIGRATIONS)
    away = Database(f"postgresql+psycopg://surehand@127.0.0.1:{free_port()}/none")
    check = DatabaseCheck(database, TRAINER_MIGRATIONS, "trainer")
    assert await check() == {}
    check.database = away
    with _lines("database_unusable") as lost:
        for _ in range(3):
            assert await check() == {"database": "PostgreSQL cannot be reached"}
    (line,) = lost
    assert "connection failed" in line["cause"] or "refused" in line["cause"]
    check.database = database
    with _lines("database_usable_again") as back:
        for _ in range(3):
            assert await check() == {}
    assert len(back) == 1
    await away.dispose()
    await database.dispose()


async def test_a_newer_schema_is_ready_unless_it_names_a_later_release(
    database_url: str,
) -> None:
    database = Database(database_url)
    await database.migrate(TRAINER_MIGRATIONS)
    check = DatabaseCheck(database, TRAINER_MIGRATIONS, "trainer")
    for revision, is_usable in (("9000", True), ("9000-from-8999", False)):
        async with database.transaction() as session:
            await session.execute(
                text("UPDATE alembic_version SET version_num = :r"), {"r": revision}
            )
        found = await check()
        assert (found == {}) is is_usable
    assert "which this release" in found["migrations"]
    await database.dispose()
