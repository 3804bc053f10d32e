"""A request that is repeated with its Idempotency-Key acts once, whatever it creates."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.trainer.idempotency.service import KEPT, KeyReused
from services.trainer.jobs import autolabel
from services.trainer.jobs import service as jobs
from services.trainer.jobs.messages import AutolabelRequest
from services.trainer.monitoring.relabel import service as relabel
from services.trainer.runs import service as runs
from services.trainer.runs.messages import RunRequest
from services.trainer.selection.messages import BatchRequest
from services.trainer.selection.service import ask_batch
from services.trainer.tables import PoolBatch
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review
from tests.harness.trainer_parts import TrainerParts
from tests.integration.trainer.jobs.parts import open_certified, pieces_of, work

Create = Callable[[TrainerParts, bool, str], Awaitable[str]]


async def batch(parts: TrainerParts, other: bool, key: str) -> str:
    wanted = BatchRequest(strategy="random", size=4 if other else 3)
    return (await ask_batch(parts.resources, parts.project, wanted, "olivia", key)).batch_id


async def plan(parts: TrainerParts, other: bool, key: str) -> str:
    made = await relabel.make(parts.resources, parts.project, 4 if other else 3, key)
    return made.plan_id


async def scoring(parts: TrainerParts, other: bool, key: str) -> str:
    body = pieces_of(b'{"text": "one"}' if other else b'{"text": "two"}')
    tools, project = parts.resources, parts.project
    return (await jobs.score_upload(tools, project, body, "jsonl", "olivia", key)).job_id


async def labels(parts: TrainerParts, other: bool, key: str) -> str:
    wanted = AutolabelRequest(ask=other)
    return (await autolabel.begin(parts.resources, parts.project, wanted, "olivia", key)).job_id


async def run(parts: TrainerParts, other: bool, key: str) -> str:
    wanted = RunRequest(mode="active" if other else "initial")
    return (await runs.request(parts.resources, parts.project, wanted, "olivia", key)).run_id


CREATE: dict[str, Create] = {one.__name__: one for one in (batch, plan, scoring, labels, run)}


@pytest.mark.sql
async def test_the_same_request_is_answered_with_what_it_created(
    common: CommonSettings, database_url: str
) -> None:
    async with open_certified(common, database_url) as parts:
        await parts.import_reviews(range(200, 230))
        await parts.log_decisions(
            range(500, 520), decision="answered", model_version="v1", reason="confident"
        )
        await parts.read_ledger()
        for name, create in CREATE.items():
            first, same = await asyncio.gather(
                create(parts, False, name), create(parts, False, name)
            )
            assert first == same, name
            with pytest.raises(KeyReused):
                await create(parts, True, name)
            with pytest.raises(KeyReused):
                await CREATE["batch" if name != "batch" else "scoring"](parts, False, name)
        # What ended, or cannot be created any more, is still the answer.
        await work(parts)
        for name, create in CREATE.items():
            before = await create(parts, False, name)
            assert before == await create(parts, False, name)
        files = await parts.resources.store.files(f"{PROJECT}/jobs")
        assert not [path for path in files if path.endswith("/source")]


async def test_keys_are_forgotten_and_those_of_the_release_before_still_hold(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        await parts.import_raw([(f"i{n}", review(n)) for n in range(300, 330)])
        before = {name: await CREATE[name](parts, False, name) for name in ("batch", "scoring")}
        parts.clock.advance(days=KEPT.days, seconds=1)
        # No other key has come since; what the old ones created may have been forgotten.
        for name, created in before.items():
            assert await CREATE[name](parts, False, name) != created
        old: dict[str, Any] = {"strategy": "random", "used": "random", "size": 3, "tasks": 3}
        row = PoolBatch(
            project=PROJECT,
            idempotency_key="old",
            **old,
            chosen=0,
            arms={},
            requested_by="olivia",
            created_at=parts.clock(),
        )
        async with parts.resources.database.transaction() as session:
            session.add(row)
            await session.flush()
            batch_id = row.batch_id
        assert await batch(parts, False, "old") == batch_id
        with pytest.raises(KeyReused):
            await batch(parts, True, "old")
