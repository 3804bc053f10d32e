"""Migrating: side by side, beside a newer release, and with the database away."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.db import Database
from shared.db.schema import known_revisions
from tests.harness import free_port
from tests.harness.databases import create_tables
from tests.harness.processes import ROOT

pytestmark = pytest.mark.sql

SERVICES = ["review_queue", "trainer"]


def folder_of(service: str) -> Path:
    return ROOT / "services" / service / "migrations"


def start(command: str, service: str, home: Path, url: str) -> subprocess.Popen[str]:
    """Begin ``python -m services COMMAND SERVICE``."""
    inherited = {key: value for key, value in os.environ.items() if key[:9] != "SUREHAND_"}
    settings = {"SUREHAND_HOME": str(home), f"SUREHAND_{service.upper()}_DATABASE_URL": url}
    return subprocess.Popen(
        [sys.executable, "-m", "services", command, service],
        cwd=ROOT,
        env={**inherited, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(command: str, service: str, home: Path, url: str) -> tuple[int, str]:
    """Run it to its end; return its status and what it said."""
    process = start(command, service, home, url)
    said = process.communicate(timeout=120)[0]
    return process.returncode, said


async def set_revision(url: str, revision: str) -> None:
    database = Database(url)
    async with database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    await database.dispose()


async def revision_of(url: str) -> str | None:
    database = Database(url)
    async with database.reading() as session:
        found = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    await database.dispose()
    return str(found)


@pytest.mark.thorough
@pytest.mark.parametrize("service", SERVICES)
async def test_processes_that_migrate_at_the_same_time_take_turns(
    service: str, home: Path, database_url: str
) -> None:
    processes = [start("migrate", service, home, database_url) for _ in range(3)]
    for process in processes:
        said, _ = await asyncio.to_thread(process.communicate, timeout=120)
        assert (process.returncode, said) == (0, "")
    assert await revision_of(database_url) == known_revisions(folder_of(service))[-1]


@pytest.mark.thorough
async def test_the_release_before_leaves_a_newer_schema_alone(
    home: Path, database_url: str
) -> None:
    service = "trainer"
    await create_tables(service, database_url)
    newest = known_revisions(folder_of(service))[-1]
    await set_revision(database_url, "9000")
    status, said = await asyncio.to_thread(run, "migrate", service, home, database_url)
    assert status == 0
    assert f"revision 9000, newer than this release's {newest}" in said
    await set_revision(database_url, "9000-from-8999")
    status, said = await asyncio.to_thread(run, "migrate", service, home, database_url)
    assert status == 2
    assert said.startswith("surehand: The database is at revision 9000-from-8999")
    assert len(said.splitlines()) == 1
    assert await revision_of(database_url) == "9000-from-8999"


@pytest.mark.parametrize(
    "service", ["review_queue", pytest.param("trainer", marks=pytest.mark.thorough)]
)
async def test_migrating_with_the_database_away_says_so_in_one_sentence(
    service: str, home: Path
) -> None:
    url = f"postgresql+psycopg://surehand@127.0.0.1:{free_port()}/none"
    status, said = await asyncio.to_thread(run, "migrate", service, home, url)
    assert status == 2
    assert said.startswith(f"surehand: The database of {service} failed: OperationalError")
    assert len(said.splitlines()) == 1


@pytest.mark.thorough
async def test_the_command_after_a_restore_begins_an_epoch(home: Path, database_url: str) -> None:
    status, said = await asyncio.to_thread(run, "restored", "review_queue", home, database_url)
    assert status == 2
    assert "has no tables: run `python -m services migrate review_queue`" in said
    await create_tables("review_queue", database_url)
    status, said = await asyncio.to_thread(run, "restored", "review_queue", home, database_url)
    assert status == 0
    assert "The outcomes feed is in epoch" in said
