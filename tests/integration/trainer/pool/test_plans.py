"""Items of the pool are looked for by indexes, however large the pool is."""

from typing import Any

from sqlalchemy import text

from services.trainer.pool.repository import ask_about, known_items, still_waiting
from services.trainer.tables import PoolItem, insert_new
from shared.contracts.base import utc_now
from shared.db import Database
from tests.harness.databases import create_tables
from tests.harness.statements import plans_of

ROWS = 3_000


def _row(number: int) -> dict[str, Any]:
    return {
        "project": "toys",
        "item_id": f"item-{number}",
        "data": {},
        "item_metadata": {},
        "content_hash": f"hash-{number}",
        "order_key": f"{number:09}",
        "state": "waiting",
        "posted": False,
        "imported_at": utc_now(),
    }


def made(kind: str) -> list[str]:
    """As many as an import looks for at once."""
    return [f"{kind}-{number}" for number in range(499)]


async def test_what_the_pool_has_is_found_without_reading_all_of_it(database_url: str) -> None:
    await create_tables("trainer", database_url)
    database = Database(database_url)
    async with database.transaction() as session:
        await insert_new(session, PoolItem, [_row(number) for number in range(ROWS)])
    if not database.is_sqlite:
        # PostgreSQL does so by itself; nothing does on SQLite.
        async with database.transaction() as session:
            await session.execute(text("ANALYZE"))
    async with database.reading() as session:
        ids, contents = ["item-7", *made("id")], ["hash-9", *made("content")]
        asked = known_items(session, "toys", ids, contents)
        found, (plan,) = await plans_of(session, asked)
        waiting, (by_id,) = await plans_of(session, still_waiting(session, "toys", ids))
    async with database.transaction() as session:
        marks = ask_about(session, "toys", ids, batch_id="b", arm="random")
        marked, (update,) = await plans_of(session, marks)
    await database.dispose()
    assert (waiting, marked) == ({"item-7"}, 1)
    assert "ix_pool_order" not in "\n".join([*by_id, *update])
    assert sorted(found) == [("item-7", "hash-7"), ("item-9", "hash-9")]
    lines = "\n".join(plan)
    assert "item_id" in lines
    assert "content" in lines
    assert "ix_pool_order" not in lines
    assert "Seq Scan" not in lines
