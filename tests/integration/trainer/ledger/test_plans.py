"""The filters of decisions are found by an index, also one that few rows pass."""

from typing import Any

import pytest
from sqlalchemy import insert, text

from services.trainer.ledger.repository import DecisionFilter, decisions
from services.trainer.tables import LedgerRow
from shared.contracts.base import utc_now
from shared.db import Database
from tests.harness.databases import create_tables
from tests.harness.statements import plans_of

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


@pytest.mark.sql
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
    async with database.transaction() as session:
        await session.execute(insert(LedgerRow), [_row(number) for number in range(ROWS)])
    async with database.transaction() as session:
        await session.execute(text("ANALYZE"))
    async with database.reading() as session:
        found, (plan,) = await plans_of(session, decisions(session, "toys", wanted, 0, 100))
    await database.dispose()
    assert found
    assert any(index in line for line in plan), plan
