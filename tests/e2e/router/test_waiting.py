"""Calls that wait for people, while the processes behind them are stopped and killed."""

import asyncio
from typing import Any

import pytest

from shared.contracts.base import task_id_for
from tests.e2e.router.installation import PATIENT, Installation
from tests.harness import wait_until
from tests.harness.model_publisher import UNSURE

pytestmark = pytest.mark.thorough

FAR = 60.0


async def predict(installation: Installation, item_id: str) -> dict[str, Any]:
    """Predict one item that people must see, and wait for them as long as can be."""
    async with installation.caller() as caller:
        body = {"items": [{"item_id": item_id, "data": {"score": UNSURE}}], "wait_seconds": FAR}
        answer = await caller.post("/v1/projects/shop/predict", json=body, timeout=2 * FAR)
        assert answer.status_code == 200, answer.text
        prediction: dict[str, Any] = answer.json()["predictions"][0]
        return prediction


async def answered(installation: Installation, item_id: str) -> dict[str, Any]:
    """Predict an item until people have answered: a process may start later than a call waits."""
    while (prediction := await predict(installation, item_id))["decision"] == "in_review":
        pass
    return prediction


async def outcome(installation: Installation, item_id: str) -> dict[str, Any]:
    """Wait for an item's outcome as long as can be."""
    path = f"/v1/projects/shop/items/{item_id}/outcome"
    async with installation.caller() as caller:
        answer = await caller.get(path, params={"wait_seconds": FAR}, timeout=2 * FAR)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def waiting(installation: Installation, number: int) -> None:
    """Wait until the router waits for `number` items."""

    async def are() -> bool:
        async with installation.caller() as caller:
            return f"surehand_router_waiters {number}.0" in (await caller.get("/metrics")).text

    await wait_until(are, PATIENT)


async def handed_off(installation: Installation, item_id: str) -> None:
    """Wait until the queue has a task of the item."""

    async def is_there() -> bool:
        return item_id in await installation.tasks()

    await wait_until(is_there, PATIENT)


async def answer(installation: Installation, item_id: str, label: str) -> None:
    async with installation.operator() as operator:
        path = f"/v1/projects/shop/tasks/{task_id_for('shop', item_id)}/verdicts"
        given = await operator.post(path, json={"reviewer": "r1", "label": label})
        assert given.status_code == 200, given.text


async def test_a_killed_queue_that_comes_back_ends_the_waits_that_it_left(
    installation: Installation,
) -> None:
    async with installation.queue() as queue:
        await installation.publish()
        async with installation.router():
            before = asyncio.create_task(answered(installation, "before"))
            await handed_off(installation, "before")
            queue.kill()
            meanwhile = asyncio.create_task(answered(installation, "meanwhile"))
            await waiting(installation, 2)
            async with installation.queue():
                await answer(installation, "before", "negative")
                await handed_off(installation, "meanwhile")
                await answer(installation, "meanwhile", "positive")
                answers = await asyncio.gather(before, meanwhile)
    assert [(one["decision"], one["reason"], one["label"]) for one in answers] == [
        ("answered", "human", "negative"),
        ("answered", "human", "positive"),
    ]


@pytest.mark.parametrize("first", ["router", "queue"])
async def test_a_service_that_stops_keeps_no_waiting_call_and_fails_none(
    installation: Installation, first: str
) -> None:
    async with installation.queue() as queue:
        await installation.publish()
        async with installation.router() as router:
            asked = asyncio.create_task(predict(installation, "a"))
            await handed_off(installation, "a")
            looking = asyncio.create_task(outcome(installation, "a"))
            await waiting(installation, 2)
            if first == "queue":
                # Its only client is the router, in the middle of a long-poll.
                await asyncio.to_thread(queue.stop)
                assert "graceful shutdown exceeded" not in queue.log.read_text()
            await asyncio.to_thread(router.stop)
            assert (await asked)["decision"] == "in_review"
            assert (await looking)["status"] == "in_review"
            log = router.log.read_text()
    assert '"level": "error"' not in log
    assert "Traceback" not in log
