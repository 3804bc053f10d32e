"""What reviewers ask for all the time is found by an index, however much is done already."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event

from services.review_queue.lifecycle.repository import claiming
from shared.db import Database
from tests.harness.databases import create_tables

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def test_who_waits_reads_none_of_what_is_resolved(sqlite_url: str) -> None:
    await create_tables("review_queue", sqlite_url)
    database = Database(sqlite_url)
    asked: list[tuple[str, Any]] = []
    async with database.reading() as session:
        connection = await session.connection()

        def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            asked.append((statement, parameters))

        event.listen(connection.sync_connection, "before_cursor_execute", note)
        assert await claiming.claimable_number(session, "shop", "ann", NOW, 5) == 0
        event.remove(connection.sync_connection, "before_cursor_execute", note)
        for statement, parameters in asked:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            # First the ids of each needs, then these tasks.
            found = [str(row.detail) for row in plan.all() if "tasks" in str(row.detail).split()]
            ids = "tasks_by_needs (project=? AND lane_group=? AND needs=? AND turn>?)"
            assert ["(task_id=?)" in found[0], ids in found[1]] == [True, True], found
    assert len(asked) == 1
    await database.dispose()
