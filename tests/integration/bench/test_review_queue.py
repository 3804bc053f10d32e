"""What the benchmark replays is what the service does."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from bench.review_queue.databases import Queue
from bench.review_queue.desks import prepared
from bench.review_queue.recording import REVIEWER, record
from bench.review_queue.replay import RECORDING, replay

pytestmark = pytest.mark.thorough

REPLAYED = "replayed"
TABLES = ("leases", "verdicts", "outcomes", "task_events")
OWN = {"outcome_id", "position", "verdict_id", "event_id", "token", "task_id"}


def rows_of_a_task(queue: Queue, task_id: str) -> dict[str, list[dict[str, Any]]]:
    """All that is written of a task, without what is each task's own."""
    found = {}
    with queue.engine.connect() as connection:
        for table in TABLES:
            statement = text(f"SELECT * FROM {table} WHERE task_id = :task ORDER BY 1")
            rows = connection.execute(statement, {"task": task_id}).mappings()
            found[table] = [
                {
                    name: value
                    for name, value in row.items()
                    if name not in OWN and not name.endswith(("_at", "at"))
                }
                for row in rows
            ]
        statement = text("SELECT * FROM tasks WHERE task_id = :task")
        (task,) = connection.execute(statement, {"task": task_id}).mappings()
        found["tasks"] = [{name: task[name] for name in ("state", "turn", "label", "revision")}]
    return found


def names_of(rows: object) -> str:
    return str(rows).replace("reviewer-0", REVIEWER).replace(REPLAYED, RECORDING)


async def test_a_replayed_cycle_leaves_the_rows_of_a_real_one(database_url: str) -> None:
    sync_url = database_url.replace("+aiosqlite", "")
    engine = create_engine(sync_url)
    queue = Queue(database_url, engine)
    try:
        await prepared(queue)
        queue.fill(REPLAYED, 40)
        tally = await asyncio.to_thread(replay, database_url, REPLAYED, 3, 60.0, 0.0)
        assert set(Counter(tally.answered).values()) == {1}
        assert len(tally.answered) == 40
        assert queue.resolved(REPLAYED) == (40, 40)
        with engine.connect() as connection:
            recorded = connection.execute(
                text("SELECT task_id FROM outcomes WHERE project = :project"),
                {"project": RECORDING},
            ).scalars()
            real = list(recorded)[-1]
            mine = connection.execute(
                text("SELECT task_id FROM leases WHERE reviewer = 'reviewer-0'")
            ).scalars()
            copy = list(mine)[-1]
        assert names_of(rows_of_a_task(queue, copy)) == names_of(rows_of_a_task(queue, real))
    finally:
        engine.dispose()


async def test_a_cycle_is_recorded_without_what_is_read_once_a_minute(database_url: str) -> None:
    queue = Queue(database_url, create_engine(database_url.replace("+aiosqlite", "")))
    await prepared(queue)
    first, second = [await record(database_url, RECORDING) for _ in range(2)]
    queue.engine.dispose()
    assert [one.sql for one in first.lease] == [one.sql for one in second.lease]
    assert [one.sql for one in first.verdict] == [one.sql for one in second.verdict]
