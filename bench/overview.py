"""``python -m bench overview``: the list of projects with its figures, over a million tasks.

50 projects have 20,000 tasks each. In the usual case one in twenty waits; in the worst all do.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from services.review_queue.app import MIGRATIONS
from services.review_queue.overview.service import OverviewService
from shared.db import Database

_NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
_PROJECTS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :projects) "
    "INSERT INTO projects (name, spec, revision, instructions_revision, published_revision, "
    "created_at, updated_at) SELECT printf('p%03d', i), :spec, 1, 1, 1, :now, :now FROM n"
)
_TASKS = (
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :each - 1) "
    "INSERT INTO tasks (task_id, project, item_id, data, data_digest, item_metadata, lane, "
    "lane_group, adjudication, state, turn, available_at, lease_number, created_at, skips, "
    "revision, second_opinion) "
    "SELECT projects.name || '-' || i, projects.name, 'item-' || i, :data, '', '{}', 'mandatory', "
    "'mandatory', 0, CASE WHEN i % :nth = 0 THEN 'open' ELSE 'resolved' END, "
    "CASE WHEN i % :nth = 0 THEN i END, :began, 0, datetime(:began, '+' || i || ' seconds'), 0, "
    "1, 0 FROM projects, n"
)
_VERDICTS = (
    "INSERT INTO verdicts (project, task_id, reviewer, recorded_by, skipped, label, blind, "
    "given_at) SELECT project, task_id, 'r1', 'r1', 0, 'positive', 1, created_at FROM tasks "
    "WHERE state = 'resolved'"
)


def main(arguments: list[str]) -> None:
    """Measure both cases on SQLite and print a row each."""
    parser = argparse.ArgumentParser(prog="python -m bench overview", description=__doc__)
    parser.add_argument("--projects", type=int, default=50)
    parser.add_argument("--each", type=int, default=20_000, help="tasks of a project")
    parser.add_argument("--calls", type=int, default=20)
    asked = parser.parse_args(arguments)
    for name, nth in (("one in twenty waits", 20), ("all wait", 1)):
        milliseconds = asyncio.run(_measured(asked, nth))
        print(
            f"overview, {asked.projects} projects, {asked.projects * asked.each:,} tasks, {name}: "
            f"processor time, median {statistics.median(milliseconds):.1f} ms, "
            f"max {max(milliseconds):.1f} ms",
            flush=True,
        )


async def _measured(asked: argparse.Namespace, nth: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="surehand-bench-") as folder:
        database = Database(f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}")
        await database.migrate(MIGRATIONS)
        spec = '{"title": "Shop", "labels": ["a", "b"], "fields": {}, "instructions": "%s"}'
        # A fifth of the answers is of today.
        began = _NOW.replace(hour=0) - timedelta(seconds=0.8 * asked.each)
        parameters = {
            "projects": asked.projects,
            "each": asked.each,
            "nth": nth,
            "spec": spec % ("x" * 10_000),
            "data": '{"text": "%s"}' % ("x" * 300),
            "now": str(_NOW.replace(tzinfo=None)),
            "began": str(began.replace(tzinfo=None)),
        }
        async with database.transaction() as session:
            for statement in (_PROJECTS, _TASKS, _VERDICTS):
                await session.execute(text(statement), parameters)
        overview, taken = OverviewService(database, lambda: _NOW), []
        for _ in range(asked.calls):
            # Of the processor: what else runs on the machine does not count.
            start = time.process_time()
            await overview.projects(since=None, after="", limit=100, only=None)
            taken.append(1000 * (time.process_time() - start))
        await database.dispose()
    return taken
