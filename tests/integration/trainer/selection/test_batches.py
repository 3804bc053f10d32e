"""Batches that a strategy chooses: by the API, once a key, and never from the reserve."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from services.trainer.pool import repository as pool
from services.trainer.pool.service import count
from services.trainer.selection.messages import BatchRequest
from services.trainer.selection.service import ask_batch
from services.trainer.tables import PoolItem
from shared.auth import Keys
from shared.db import Database
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.served_trainer import ROOT, ServedTrainer, serve_trainer
from tests.harness.trainer_and_queue import review, run_trainer_and_queue
from tests.harness.trainer_parts import open_trainer_parts


async def ask(trainer: ServedTrainer, key: str | None = None, **body: Any) -> Any:
    """Ask for a batch and return the answer's body."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return await trainer.operator.post(f"{ROOT}/pool/batches", json=body, headers=headers)


async def fill(trainer: ServedTrainer, items: int = 200) -> None:
    """Import reviews."""
    await trainer.import_lines(*({"item_id": f"i{n}", "data": review(n)} for n in range(items)))


@pytest.mark.thorough
async def test_a_key_gives_one_batch_however_often_it_is_sent(
    common: CommonSettings, keys: Keys, database_url: str
) -> None:
    async with serve_trainer(common, keys, database_url) as trainer:
        await fill(trainer)
        answers = await asyncio.gather(
            *(ask(trainer, "k1", size=20, strategy="typiclust") for _ in range(2))
        )
        assert [answer.status_code for answer in answers] == [200] * 2, answers[0].text
        assert len({answer.text for answer in answers}) == 1
        batch = answers[0].json()
        assert (batch["tasks"], batch["used"], batch["version"]) == (20, "typiclust", None)
        assert batch["arms"] == {"random": 2, "typiclust": 18}
        other = await ask(trainer, "k1", size=21, strategy="typiclust")
        assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (
            409,
            "idempotency-key-reused",
        )
        counts = (await trainer.operator.get(f"{ROOT}/pool")).json()
        assert counts["asked"] == 20
        listed = (await trainer.operator.get(f"{ROOT}/pool/batches")).json()
        assert listed == {"batches": [batch], "cursor": None}
        await wait_until(lambda: len(trainer.queue.tasks) == 20)


async def forget_reserve(database_url: str) -> None:
    """Leave the pool as a release without a reserve has imported it."""
    database = Database(database_url)
    async with database.transaction() as session:
        await session.execute(update(PoolItem).values(state="waiting"))
    await database.dispose()


@pytest.mark.parametrize("has_reserve", [False, pytest.param(True, marks=pytest.mark.thorough)])
@pytest.mark.any_database
async def test_a_strategy_leaves_the_reserve_to_random_draws(
    common: CommonSettings, keys: Keys, database_url: str, has_reserve: bool
) -> None:
    async with serve_trainer(common, keys, database_url) as trainer:
        await fill(trainer, 120)
        before = (await trainer.operator.get(f"{ROOT}/pool")).json()
        assert 12 < before["reserved"] < 60
        if not has_reserve:
            # The first choice sets the same share aside.
            await forget_reserve(database_url)
        # More than there is: all that waits, and of the reserve the random share.
        batch = (await ask(trainer, size=120, strategy="auto")).json()
        after = (await trainer.operator.get(f"{ROOT}/pool")).json()
        random = batch["arms"]["random"]
        assert random == 12
        assert after["reserved"] == before["reserved"] - random
        assert after["waiting"] == after["reserved"]
        # What is left of the reserve is no longer for labelling.
        assert (await ask(trainer, size=10, strategy="random")).json()["tasks"] == 0


@pytest.mark.thorough
async def test_of_a_pool_without_a_reserve_a_share_is_set_aside_once(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        tools, name = parts.resources, parts.project.project
        await parts.import_reviews(range(120))
        reserved = (await count(tools, name)).reserved
        await forget_reserve(sqlite_url)
        for _ in range(2):
            wanted = BatchRequest(strategy="typiclust", size=10)
            batch = await ask_batch(tools, parts.project, wanted, "olivia")
            assert batch.arms == {"random": 1, "typiclust": 9}
        assert (await count(tools, name)).reserved == reserved - 2 > 0


async def test_a_large_batch_of_a_strategy_is_refused(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        answer = await ask(trainer, size=5_001, strategy="margin")
        assert answer.status_code == 422
        assert "at most 5000" in answer.text


@pytest.mark.thorough
async def test_certificates_are_drawn_from_the_reserve_once_a_strategy_chose(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.import_reviews(range(200))
        async with parts.resources.database.reading() as session:
            assert await pool.uniform_states(session, "toys") == ("waiting", "reserved")
        wanted = BatchRequest(strategy="random", size=20)
        await ask_batch(parts.resources, parts.project, wanted, "tests")
        async with parts.resources.database.reading() as session:
            assert await pool.uniform_states(session, "toys") == ("waiting", "reserved")
        wanted = BatchRequest(strategy="auto", size=20)
        await ask_batch(parts.resources, parts.project, wanted, "tests")
        async with parts.resources.database.reading() as session:
            assert await pool.uniform_states(session, "toys") == ("reserved",)
            (one,) = await pool.in_states(session, "toys", 1, "", ("reserved",))
            # A choice can ask for no more than waits for it.
            assert one.arm is None


@pytest.mark.thorough
async def test_a_model_chooses_once_there_is_one_and_is_certified_from_the_reserve(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project(labelling={"reserve_rate": 0.4})
        await both.import_pool(0, 500)
        seed = (await both.post("pool/batches", {"strategy": "auto", "size": 60})).json()
        assert seed["used"] == "typiclust"

        async def is_published() -> bool:
            await both.answer_all()
            return bool((await both.get("versions"))["versions"])

        await wait_until(is_published)
        certificate = await both.certificate("certified", answering=True)
        assert certificate["population"]["kind"] == "pool"
        batch = (await both.post("pool/batches", {"strategy": "auto", "size": 20})).json()
        assert (batch["used"], batch["version"]) == ("margin", "v1")
        assert batch["arms"]["margin"] == 18
