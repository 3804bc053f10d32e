"""Processes killed without warning: what was promised is kept, once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.e2e.router.installation import PATIENT, Installation, decisions
from tests.harness import wait_until
from tests.harness.model_publisher import SURE, UNSURE

pytestmark = pytest.mark.thorough


@contextlib.asynccontextmanager
async def stream(installation: Installation, callers: int = 3) -> AsyncIterator[list[str]]:
    """Predict without pause while the block lasts; collect what must have a task.

    Every call must succeed, whatever happens to the queue.
    """
    promised: list[str] = []
    stop = asyncio.Event()

    async def call(name: int) -> None:
        async with installation.caller() as caller:
            n = 0
            while not stop.is_set():
                items = [
                    {"item_id": f"{name}/{n}/{k}", "data": {"score": score}}
                    for k, score in enumerate((UNSURE, SURE, SURE))
                ]
                answer = await caller.post("/v1/projects/shop/predict", json={"items": items})
                assert answer.status_code == 200, answer.text
                promised.extend(
                    one["item_id"]
                    for one in answer.json()["predictions"]
                    if one["decision"] == "in_review" or one["audited"]
                )
                n += 1

    running = [asyncio.create_task(call(name)) for name in range(callers)]
    try:
        yield promised
    finally:
        stop.set()
        await asyncio.gather(*running)


async def test_review_queue_killed_under_a_stream_loses_and_doubles_nothing(
    installation: Installation,
) -> None:
    async with installation.queue() as queue:
        await installation.publish(audit_rate=0.2)
        async with installation.router(), stream(installation) as promised:
            await wait_until(lambda: len(promised) > 50, PATIENT)
            queue.kill()
            killed_at = len(promised)
            await wait_until(lambda: len(promised) > killed_at + 50, PATIENT)
            assert installation.spooled() > 0
            async with installation.queue():
                restarted_at = len(promised)
                await wait_until(lambda: len(promised) > restarted_at + 50, PATIENT)
                await wait_until(lambda: installation.spooled() == 0, PATIENT)
                await check_tasks(installation, promised)


async def check_tasks(installation: Installation, promised: list[str]) -> None:
    """Each promise of now gets exactly one task; later ones may have theirs already."""
    now = set(promised)

    async def all_have_one() -> bool:
        found = await installation.tasks()
        assert len(found) == len(set(found))
        return now <= set(found)

    # An audit may still lie in the router's spool of audits.
    await wait_until(all_have_one, PATIENT)
    assert installation.dead_letters() == []


async def test_router_killed_with_a_full_spool_drains_it_and_ships_its_decisions_after_its_restart(
    installation: Installation,
) -> None:
    async with installation.queue():
        await installation.publish()
    async with installation.router() as router:
        promised: list[str] = []
        async with installation.caller() as caller:
            for n in range(30):
                items = [
                    {"item_id": f"i{n:02}", "data": {"score": UNSURE}},
                    {"item_id": f"sure-{n:02}", "data": {"score": SURE}},
                ]
                answer = await caller.post("/v1/projects/shop/predict", json={"items": items})
                promised += [
                    one["item_id"]
                    for one in answer.json()["predictions"]
                    if one["decision"] == "in_review"
                ]
        router.kill()
    assert len(promised) == installation.spooled() == 30
    async with installation.queue(), installation.router():
        await wait_until(lambda: installation.spooled() == 0, PATIENT)
        assert await installation.tasks() == promised

        async def shipped() -> bool:
            return len(await decisions(installation.home)) == 60

        await wait_until(shipped, PATIENT)
    assert installation.dead_letters() == []
    logged = sorted(row["item_id"] for row in await decisions(installation.home))
    assert logged == [*promised, *(f"sure-{n:02}" for n in range(30))]
