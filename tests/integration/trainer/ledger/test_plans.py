"""The filters of decisions are found by an index, also one that few rows pass."""

from typing import Any

import pytest
from sqlalchemy import event, insert, text

from services.trainer.ledger.repository import DecisionFilter, decisions
from services.trainer.tables import LedgerRow
from shared.contracts.base import utc_now
from shared.db import Database
from tests.harness.databases import create_tables

ROWS = 3_000


def _row(number: int) -> dict[str, Any]:
    return {
        "project": "toys",
        "item_id": f"item-{number}",
        "received_at": utc_now(),
        "content_hash": "",
        "review": "auto",
        "decision": "answered",
        "audited": False,
        "model_version": f"v{number % 100}",
        "row": {"reason": "forced" if number % 1000 == 0 else "confident"},
    }


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (DecisionFilter(reason="forced"), "ix_ledger_reason"),
        (DecisionFilter(version="v3"), "ix_ledger_version"),
        (DecisionFilter(item_id="item-3"), "ix_ledger_item"),
    ],
)
async def test_a_filter_uses_its_index(
    wanted: DecisionFilter, index: str, database_url: str
) -> None:
    await create_tables("trainer", database_url)
    database = Database(database_url)
    asked: list[tuple[str, Any]] = []
    async with database.transaction() as session:
        await session.execute(insert(LedgerRow), [_row(number) for number in range(ROWS)])
    async with database.transaction() as session:
        await session.execute(text("ANALYZE"))
    async with database.reading() as session:
        connection = await session.connection()

        def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            asked.append((statement, parameters))

        event.listen(connection.sync_connection, "before_cursor_execute", note)
        found = await decisions(session, "toys", wanted, 0, 100)
        event.remove(connection.sync_connection, "before_cursor_execute", note)
        ((statement, parameters),) = asked
        explain = "EXPLAIN QUERY PLAN" if database_url.startswith("sqlite") else "EXPLAIN"
        plan = await connection.exec_driver_sql(f"{explain} {statement}", parameters)
        lines = [str(tuple(row)) for row in plan.all()]
    await database.dispose()
    assert found
    assert any(index in line for line in lines), lines
