"""Decisions are kept as long as the project says, and read once all the same."""

import pytest
from sqlalchemy import func, select

from services.trainer.ledger import retention
from services.trainer.ledger.retention import delete_expired
from services.trainer.tables import AuditWatch, LedgerFile, LedgerRow, Version
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts


async def _count(parts: TrainerParts, table: type[LedgerRow] | type[LedgerFile]) -> int:
    async with parts.resources.database.reading() as session:
        query = select(func.count()).select_from(table)
        return int((await session.execute(query)).scalar_one())


async def test_rows_go_in_batches_once_they_are_older_than_the_project_keeps_them(
    common: CommonSettings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 4)
    async with open_trainer_parts(common, database_url, retention_days=10) as parts:
        await parts.log_decisions(range(10), "old")
        await parts.read_ledger()
        parts.clock.advance(days=9)
        await parts.log_decisions(range(10, 13), "new")
        await parts.read_ledger()
        assert not await delete_expired(parts.resources, parts.project)
        assert await _count(parts, LedgerRow) == 13
        parts.clock.advance(days=2)
        assert await delete_expired(parts.resources, parts.project)
        assert await _count(parts, LedgerRow) == 9
        assert await delete_expired(parts.resources, parts.project)
        assert not await delete_expired(parts.resources, parts.project)
        assert await _count(parts, LedgerRow) == 3
        # The file of a day that is listed no more needs no mark; the newer one keeps its own.
        assert await _count(parts, LedgerFile) == 1
        assert await parts.read_ledger() == 0
        assert await _count(parts, LedgerRow) == 3


async def test_a_file_that_is_still_listed_keeps_its_mark(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, retention_days=0.5) as parts:
        await parts.log_decisions(range(3), "old")
        await parts.read_ledger()
        parts.clock.advance(days=3)
        assert not await delete_expired(parts.resources, parts.project)
        assert (await _count(parts, LedgerRow), await _count(parts, LedgerFile)) == (0, 1)
        assert await parts.read_ledger() == 0


async def test_answers_that_the_watch_has_not_taken_in_stay(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url, retention_days=1) as parts:
        await parts.label(range(80), truth)
        await parts.publish_version()
        answered = {"decision": "answered", "reason": "confident", "model_version": "v1"}
        await parts.log_decisions(range(4), "answered", **answered)
        await parts.log_decisions(range(4, 6), "reviewed", model_version="v1")
        await parts.read_ledger()
        async with parts.resources.database.transaction() as session:
            watch = AuditWatch(
                project=PROJECT,
                version="v1",
                position=1,
                certified_at=parts.clock.moment,
                updated_at=parts.clock.moment,
            )
            session.add(watch)
        parts.clock.advance(days=2)
        await delete_expired(parts.resources, parts.project)
        assert await _count(parts, LedgerRow) == 3
        async with parts.resources.database.transaction() as session:
            (await session.get_one(Version, (PROJECT, "v1"))).retired = True
        await delete_expired(parts.resources, parts.project)
        assert await _count(parts, LedgerRow) == 0
