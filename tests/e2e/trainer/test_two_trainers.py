"""Two trainers on one PostgreSQL and one store: promotions at both, and the writer killed."""

import asyncio
import contextlib
import itertools
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.auth import Keys
from shared.contracts.versions import Channels, Order
from shared.settings import CommonSettings
from shared.store import Store, channels_path
from tests.harness import ServiceProcess, client, free_port, serve, spawn, wait_until
from tests.harness.stand_in_queue import StandInQueue
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import open_trainer_parts

pytestmark = pytest.mark.thorough

LEASE_SECONDS = "3"
PROMOTIONS = 24
Trainer = tuple[ServiceProcess, httpx.AsyncClient]


async def publish_two_versions(common: CommonSettings, database_url: str) -> None:
    """Leave v1 and v2 in database and store, as a trainer that has stopped."""
    changes = {"training": {"auto_promote": False, "min_new_labels": 1_000_000}}
    async with open_trainer_parts(common, database_url, **changes) as parts:
        for n in range(2):
            await parts.label(range(1000 + 60 * n, 1060 + 60 * n), truth)
            await parts.publish_version()


@contextlib.asynccontextmanager
async def two_trainers(
    common: CommonSettings, keys: Keys, database_url: str, queue: StandInQueue | None = None
) -> AsyncIterator[list[Trainer]]:
    """Run two trainers, each with a home of its own."""
    async with contextlib.AsyncExitStack() as stack:
        queue_base = await stack.enter_async_context(serve((queue or StandInQueue()).app()))
        environment = {
            "SUREHAND_REDIS_URL": common.redis_url,
            "SUREHAND_STORE_URL": common.store_url,
            "SUREHAND_SECRET": common.secret.get_secret_value(),
            "SUREHAND_SERVICE_TOKEN": common.service_token.get_secret_value(),
            "SUREHAND_REVIEW_QUEUE_URL": queue_base,
            "SUREHAND_PUBLIC_KEYS_DIR": str(common.keys_folder),
            "SUREHAND_TRAINER_DATABASE_URL": database_url,
            "SUREHAND_TRAINER_LEASE_SECONDS": LEASE_SECONDS,
            "SUREHAND_POLL_SECONDS": "0.1",
        }
        trainers = []
        for name in ("a", "b"):
            home = Path(common.home) / name
            process = stack.enter_context(
                spawn("trainer", home, free_port(), health=None, **environment)
            )
            token = keys.issue("operator", name)
            operator = await stack.enter_async_context(client(process.base_url, token))
            trainers.append((process, operator))
        for process, _ in trainers:
            await asyncio.to_thread(process.wait_ready, seconds=120)
        yield trainers


async def promote(operator: httpx.AsyncClient, version: str) -> httpx.Response:
    """Promote a version."""
    return await operator.post(f"/v1/projects/{PROJECT}/versions/{version}/promote")


async def works_for(trainer: Trainer) -> bool:
    """Say whether a trainer says that it works for the project."""
    ready: dict[str, Any] = (await trainer[1].get("/readyz")).json()
    return PROJECT in ready["works_for"]


async def holder_and_other(trainers: list[Trainer]) -> list[Trainer]:
    """Wait until one trainer works for the project, and the other says which does."""

    async def found() -> list[Trainer]:
        for holder, other in (trainers, trainers[::-1]):
            ready = (await other[1].get("/readyz")).json()
            if await works_for(holder) and PROJECT in ready["stands_by_for"]:
                return [holder, other]
        return []

    return await wait_until(found)


@contextlib.asynccontextmanager
async def watching(store: Store) -> AsyncIterator[list[Order]]:
    """Record the place of channels.json in the block, and check that it never went back."""
    seen: list[Order] = []

    async def watch() -> None:
        while True:
            channels = await store.read_document(channels_path(PROJECT), Channels)
            assert channels is not None
            seen.append(channels.order)
            await asyncio.sleep(0.002)

    task = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert all(not later.is_older_than(before) for before, later in itertools.pairwise(seen))


async def test_the_revision_never_goes_back_and_a_stopped_or_killed_writer_is_replaced(
    common: CommonSettings, keys: Keys, postgres_url: str
) -> None:
    await publish_two_versions(common, postgres_url)
    store = Store(common.store_url)
    async with two_trainers(common, keys, postgres_url) as trainers:
        holder, other = await holder_and_other(trainers)
        async with watching(store) as seen:
            await check_a_stopped_writer_writes_no_more(holder, other)
            holder, other = await holder_and_other(trainers)
            replies = [
                await asyncio.gather(promote(holder[1], "v1"), promote(other[1], "v2"))
                for _ in range(PROMOTIONS // 2)
            ]
            assert {reply.status_code for pair in replies for reply in pair} <= {200, 503}
            killed = seen[-1].writer
            await asyncio.to_thread(holder[0].kill)
            await wait_until(lambda: works_for(other))
            for version in ("v1", "v2"):
                reply = await promote(other[1], version)
                assert reply.status_code == 200, reply.text
                assert reply.json()["champion"] == version
        channels = await store.read_document(channels_path(PROJECT), Channels)
        assert channels is not None
        assert channels.writer > killed
        assert len(set(seen)) > 10


async def check_a_stopped_writer_writes_no_more(holder: Trainer, other: Trainer) -> None:
    """Stop the writer, let the other take over, and let the first go on: it stands by."""
    lost = asyncio.create_task(promote(holder[1], "v2"))
    await asyncio.sleep(0)
    holder[0].process.send_signal(signal.SIGSTOP)
    try:
        await wait_until(lambda: works_for(other))
        reply = await promote(other[1], "v1")
        assert reply.status_code == 200, reply.text
    finally:
        holder[0].process.send_signal(signal.SIGCONT)
    await asyncio.gather(lost, return_exceptions=True)

    async def stands_by() -> bool:
        return not await works_for(holder)

    await wait_until(stands_by)
    # What was recorded last counts, whichever trainer took it.
    reply = await promote(holder[1], "v1")
    assert reply.status_code == 200, reply.text
    assert reply.json()["champion"] == "v1"


async def test_two_trainers_that_start_together_train_once(
    common: CommonSettings, keys: Keys, postgres_url: str
) -> None:
    queue = StandInQueue()
    for n in range(80):
        queue.resolve(f"item-{n}", review(n), truth(review(n)))
    # Tables, and project.json, by which 60 labels start a run.
    async with open_trainer_parts(common, postgres_url):
        pass
    path = f"/v1/projects/{PROJECT}/runs"
    async with two_trainers(common, keys, postgres_url, queue) as trainers:

        async def runs() -> list[dict[str, Any]]:
            listed: list[dict[str, Any]] = (await trainers[1][1].get(path)).json()["runs"]
            return listed

        async def trained() -> bool:
            listed = await runs()
            return bool(listed) and all(run["state"] == "succeeded" for run in listed)

        await wait_until(trained)
        assert [(run["version"], run["requested_by"]) for run in await runs()] == [
            ("v1", "trainer")
        ]
        calls = [one.post(path, json={"mode": "initial"}) for _, one in trainers * 3]
        statuses = sorted([reply.status_code for reply in await asyncio.gather(*calls)])
        assert statuses == [202] + [409] * 5
        assert len(await runs()) == 2
