"""A model that hangs costs its own callers an answer, and nobody else."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest

from services.router.settings import RouterSettings
from tests.integration.router.conftest import Open, World
from tests.integration.router.factory import SURE, Publisher, number_graph, project_of, slow_graph

# So many rounds of its loop take the graph of `shop` weeks.
ENDLESS = 1e12


@pytest.fixture
async def world(open_world: Open, publisher: Publisher, queue_url: str) -> AsyncIterator[World]:
    """`shop` has a model whose loop follows its items, as one stored by an older trainer may."""
    other = Publisher(publisher.store, project_of("other"))
    for one in (publisher, other):
        await one.put_project()
    await publisher.publish("v1", slow_graph(rounds=1))
    await other.publish("v1", number_graph())
    async with open_world(queue_url, router=RouterSettings(run_seconds=6)) as opened:
        await opened.serving("v1")
        yield opened


def item(score: float) -> dict[str, Any]:
    return {"item_id": "a", "data": {"score": score}}


def assert_timed_out(response: httpx.Response) -> None:
    assert response.status_code == 503, response.text
    assert response.json()["type"] == "urn:surehand:problem:model-timed-out"
    assert response.headers["retry-after"] == "6"


async def test_its_caller_is_told_and_neighbours_are_answered_meanwhile(world: World) -> None:
    counted = partial(world.metric, "surehand_router_run_timeouts_total")
    before = await counted(project="shop")
    hanging = asyncio.create_task(world.predict(item(ENDLESS)))
    path = "/v1/projects/other/predict"
    for _ in range(3):
        answered = await world.caller.post(path, json={"items": [item(SURE)]})
        assert answered.json()["predictions"][0]["decision"] == "answered"
    assert (await world.caller.get("/healthz")).status_code == 200
    assert not hanging.done()
    assert_timed_out(await hanging)
    assert await counted(project="shop") == before + 1
    assert await counted(project="other") == 0
    assert (await world.predict(item(0.0))).status_code == 200


async def test_inference_is_ended_too(world: World) -> None:
    tensor = {"name": "score", "datatype": "FP32", "shape": [1, 1], "data": [ENDLESS]}
    for path in ("/v2/models/shop/infer", "/v2/models/shop/versions/v1/infer"):
        answer = await world.caller.post(path, json={"inputs": [tensor]})
        assert_timed_out(answer)
        assert "longer than 6 seconds" in answer.json()["error"]


async def test_a_version_that_takes_too_long_over_one_item_is_refused(
    world: World, publisher: Publisher
) -> None:
    await publisher.publish("v2", slow_graph(always=10**12))
    why = await world.refused("v2")
    assert "its run on 1 items failed: it took longer than 6 seconds" in why
    assert (await world.model())["serving"] == "v1"
