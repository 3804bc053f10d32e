"""What the trainer does points at the traces of the items that it learns from."""

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.trainer.outcomes.service import read_feed
from services.trainer.runs import repository
from shared import tracing
from shared.db import Database
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.otlp import Collector, new_trace
from tests.harness.processes import ROOT
from tests.harness.trainer_and_queue import PROJECT, review
from tests.harness.trainer_parts import open_trainer_parts

pytestmark = pytest.mark.any_database

SCRIPTS = ROOT / "services" / "trainer" / "migrations"
OLD_ROW = text(
    "INSERT INTO outcomes (project, item_id, position, revision, lane, label, blind, data,"
    " content_hash, resolved_at)"
    " VALUES ('toys', 'a', 1, 1, 'pool', 'positive', true, '{}', '', '2026-11-24 06:00:00')"
)


async def test_reading_points_at_the_items_and_reading_nothing_is_no_span(
    common: CommonSettings, sqlite_url: str, collector: Collector
) -> None:
    traces = [new_trace() for _ in range(tracing.MAX_LINKS + 20)]
    async with open_trainer_parts(common, sqlite_url) as parts:
        await read_feed(parts.resources, PROJECT)
        with tracing.exporting("trainer"):
            for i, trace in enumerate([*traces, None]):
                parts.queue.resolve(f"item-{i}", review(i), "positive", trace=trace)
            await read_feed(parts.resources, PROJECT)
            await read_feed(parts.resources, PROJECT)
    (span,) = await wait_until(lambda: collector.named("outcomes"))
    assert span.attributes == {"surehand.project": PROJECT, "surehand.outcomes": len(traces) + 1}
    assert len(span.links) == tracing.MAX_LINKS
    assert span.links < {trace.split("-")[1] for trace in traces}


async def test_the_newest_labels_are_those_that_a_run_points_at(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        traces = [new_trace() for _ in range(4)]
        for i, trace in enumerate(traces):
            label = None if i == 2 else "positive"
            parts.queue.resolve(f"item-{i}", review(i), label, trace=trace)
        parts.queue.resolve("item-9", review(9), "positive")
        await read_feed(parts.resources, PROJECT)
        async with parts.resources.database.reading() as session:
            found = await repository.newest_traces(session, PROJECT, 99, 2)
            assert found == [traces[3], traces[1]]
            assert await repository.newest_traces(session, PROJECT, 1, 2) == [traces[0]]


def _fill_first_revision(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
    connection.execute(OLD_ROW)


async def test_outcomes_of_the_first_revision_are_kept(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(_fill_first_revision)
    database = Database(database_url)
    await database.migrate(SCRIPTS)
    await database.dispose()
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT item_id, trace FROM outcomes"))).all()
        assert [tuple(row) for row in rows] == [("a", None)]
    await engine.dispose()
