"""Decisions a day: counted once, as long as their rows are kept, and for many projects at once."""

import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

import services.trainer
from services.trainer.ledger.days.service import days_of_projects, decision_days
from services.trainer.ledger.retention import delete_expired
from services.trainer.tables import LedgerDay
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

SCRIPTS = Path(services.trainer.__path__[0]) / "migrations"
ANSWERED = {"decision": "answered", "reason": "confident", "model_version": "v1"}


async def _by_reason(parts: TrainerParts, days: int = 30) -> dict[tuple[str, str], int]:
    said = await decision_days(parts.resources, PROJECT, days, None)
    return {(one.day.isoformat(), one.reason): one.decisions for one in said.days}


async def test_decisions_are_counted_by_day_and_reason_as_files_are_read(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url, retention_days=10) as parts:
        first = parts.clock.moment.date().isoformat()
        await parts.log_decisions(range(3), "r-1", **ANSWERED, confidence=0.93)
        await parts.log_decisions(range(3, 5), "r-2")
        await parts.read_ledger()
        parts.clock.advance(days=1)
        second = parts.clock.moment.date().isoformat()
        await parts.log_decisions(range(5, 9), "r-3", **ANSWERED, confidence=1.0)
        # Each is a trainer that has just started, and knows of no file.
        await asyncio.gather(parts.read_ledger(), parts.read_ledger())
        assert await parts.read_ledger() == 0
        expected = {(first, "confident"): 3, (first, "no_model"): 2, (second, "confident"): 4}
        assert await _by_reason(parts) == expected
        assert await _by_reason(parts, days=1) == {(second, "confident"): 4}
        said = await decision_days(parts.resources, PROJECT, 30, "v1")
        assert {one.reason for one in said.days} == {"confident"}
        filled = {one.lowest: one.decisions for one in said.confidences if one.decisions}
        assert filled == {0.92: 3, 0.98: 4}
        both = await days_of_projects(parts.resources, ["nobody", PROJECT], 2)
        assert [
            (one.project, [(day.decisions, day.answered) for day in one.days])
            for one in both.projects
        ] == [
            ("nobody", []),
            (PROJECT, [(5, 3), (4, 4)]),
        ]
        parts.clock.advance(days=10)
        await delete_expired(parts.resources, parts.project)
        assert await _by_reason(parts) == {(second, "confident"): 4}


@pytest.mark.sql
async def test_the_migration_counts_what_the_ledger_has(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.log_decisions(range(3), "r-1", **ANSWERED, confidence=0.93)
        await parts.log_decisions(range(3, 5), "r-2")
        await parts.read_ledger()
        expected = await decision_days(parts.resources, PROJECT, 30, None)
        async with parts.resources.database.transaction() as session:
            connection = await session.connection()
            await session.execute(text(f"DROP TABLE {LedgerDay.__tablename__}"))
            await connection.run_sync(_upgrade)
        assert await decision_days(parts.resources, PROJECT, 30, None) == expected


def _upgrade(connection: object) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.stamp(config, "0009")
    command.upgrade(config, "0010")
