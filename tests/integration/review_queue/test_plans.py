"""What reviewers ask for all the time is found by an index, however much is done already."""

from datetime import UTC, datetime

from services.review_queue.lifecycle.repository import claiming
from shared.db import Database
from tests.harness.databases import create_tables
from tests.harness.statements import plans_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def test_who_waits_reads_none_of_what_is_resolved(sqlite_url: str) -> None:
    await create_tables("review_queue", sqlite_url)
    database = Database(sqlite_url)
    async with database.reading() as session:
        asked = claiming.claimable_number(session, "shop", "ann", NOW, 5)
        number, (plan,) = await plans_of(session, asked)
    await database.dispose()
    assert number == 0
    # First the ids of each needs, then these tasks.
    found = [line for line in plan if "tasks" in line.split()]
    ids = "tasks_by_needs (project=? AND lane_group=? AND needs=? AND turn>?)"
    assert ["(task_id=?)" in found[0], ids in found[1]] == [True, True], found
