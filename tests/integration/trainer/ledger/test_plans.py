"""Few of many decisions are found by an index: those that pass a filter, and audited ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import insert, text

from services.trainer.ledger.repository import DecisionFilter, decisions
from services.trainer.tables import LedgerRow
from services.trainer.watch.repository import audit_counts
from shared.contracts.base import utc_now
from shared.db import Database, Session
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
        "audited": number % 50 == 0,
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
    async with _ledger(database_url) as session:
        found, (plan,) = await plans_of(session, decisions(session, "toys", wanted, 0, 100))
    assert found
    assert any(index in line for line in plan), plan


@pytest.mark.sql
async def test_counting_audited_answers_reads_their_rows_alone(database_url: str) -> None:
    async with _ledger(database_url) as session:
        found, (plan,) = await plans_of(session, audit_counts(session, "toys"))
    assert sum(one.audited for one in found) == ROWS // 50
    assert any("ix_ledger_audited" in line for line in plan), plan


@asynccontextmanager
async def _ledger(database_url: str) -> AsyncIterator[Session]:
    await create_tables("trainer", database_url)
    database = Database(database_url)
    async with database.transaction() as session:
        await session.execute(insert(LedgerRow), [_row(number) for number in range(ROWS)])
    async with database.transaction() as session:
        await session.execute(text("ANALYZE"))
    async with database.reading() as session:
        yield session
    await database.dispose()
