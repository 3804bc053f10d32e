"""A model that hangs costs its own callers an answer, and nobody else."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import onnx
import pytest
from onnx import TensorProto, helper

from services.router.problems import ModelTimedOut
from services.router.settings import RouterSettings
from services.router.versions.loading import LoadedVersion
from tests.harness import wait_until
from tests.harness.model_publisher import SURE, Publisher, number_graph, project_of, slow_graph
from tests.integration.router.conftest import OpenRouter, ServedRouter

# So many rounds of its loop take the graph of `shop` weeks.
ENDLESS = 1e12


def with_logits(model: bytes) -> bytes:
    """The model with another output that callers may ask for by name."""
    told = onnx.load_model_from_string(model)
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [None, 2])
    told.graph.output.append(logits)
    return bytes(told.SerializeToString())


@contextlib.asynccontextmanager
async def held(loaded: LoadedVersion) -> AsyncIterator[asyncio.Task[bool]]:
    """Keep a run of a version outside of its batches going, as a kernel that cannot be ended."""
    ending = threading.Event()
    begun = threading.Event()

    def run() -> bool:
        begun.set()
        return ending.wait()

    try:
        stuck = asyncio.create_task(loaded.batcher.run_unbatched(run))
        await wait_until(begun.is_set)
        yield stuck
    finally:
        ending.set()


@pytest.fixture
async def served(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> AsyncIterator[ServedRouter]:
    """`shop` has a model whose loop follows its items, as one stored by an older trainer may."""
    other = Publisher(publisher.store, project_of("other"))
    for one in (publisher, other):
        await one.put_project()
    await publisher.publish("v1", with_logits(slow_graph(rounds=1)))
    await other.publish("v1", number_graph())
    async with open_router(queue_url, router=RouterSettings(run_seconds=6)) as opened:
        await opened.serving("v1")
        yield opened


def item(score: float) -> dict[str, Any]:
    return {"item_id": "a", "data": {"score": score}}


def assert_timed_out(response: httpx.Response) -> None:
    assert response.status_code == 503, response.text
    assert response.json()["type"] == "urn:surehand:problem:model-timed-out"
    assert response.headers["retry-after"] == "6"


@pytest.mark.thorough
async def test_its_caller_is_told_and_neighbours_are_answered_meanwhile(
    served: ServedRouter,
) -> None:
    counted = partial(served.metric, "surehand_router_run_timeouts_total")
    before, hung = await counted(project="shop"), 0

    async def answered_meanwhile() -> bool:
        nonlocal hung
        hanging = asyncio.create_task(served.predict(item(ENDLESS)))
        path = "/v1/projects/other/predict"
        for _ in range(3):
            answered = await served.caller.post(path, json={"items": [item(SURE)]})
            assert answered.json()["predictions"][0]["decision"] == "answered"
        assert (await served.caller.get("/healthz")).status_code == 200
        is_meanwhile = not hanging.done()
        assert_timed_out(await hanging)
        hung += 1
        return is_meanwhile

    # A busy machine may take longer over the neighbours than the graph may hang.
    await wait_until(answered_meanwhile)
    assert await counted(project="shop") == before + hung
    assert await counted(project="other") == 0
    assert (await served.predict(item(0.0))).status_code == 200


@pytest.mark.thorough
async def test_inference_is_ended_too(served: ServedRouter) -> None:
    tensor = {"name": "score", "datatype": "FP32", "shape": [1, 1], "data": [ENDLESS]}
    path = "/v2/models/shop/versions/v1/infer"
    answer = await served.caller.post(path, json={"inputs": [tensor]})
    assert_timed_out(answer)
    assert "longer than 6 seconds" in answer.json()["error"]


@pytest.mark.thorough
async def test_a_version_that_takes_too_long_over_one_item_is_refused(
    served: ServedRouter, publisher: Publisher
) -> None:
    await publisher.publish("v2", slow_graph(always=10**12))
    why = await served.refused("v2")
    assert "its run on 1 items failed: it took longer than 6 seconds" in why
    assert (await served.model())["serving"] == "v1"


@pytest.mark.thorough
async def test_outputs_by_name_are_not_waited_for_past_their_deadline(served: ServedRouter) -> None:
    loaded = served.loaded("v1")
    with pytest.raises(ModelTimedOut):
        await loaded.batcher.run_unbatched(loaded.graph.arrays, ["logits"], [{"score": ENDLESS}])
    tensor = {"name": "score", "datatype": "FP32", "shape": [1, 1], "data": [0.0]}
    body = {"inputs": [tensor], "outputs": [{"name": "logits"}]}
    async with held(loaded) as stuck:
        for _ in range(2):
            # The second one does not wait anew: the run before it is overdue.
            answer = await served.caller.post("/v2/models/shop/infer", json=body)
            assert_timed_out(answer)
        with pytest.raises(ModelTimedOut):
            await stuck
        assert (await served.predict(item(0.0))).status_code == 200

    async def answered() -> bool:
        response = await served.caller.post("/v2/models/shop/infer", json=body)
        return response.status_code == 200

    await wait_until(answered)


@pytest.mark.thorough
async def test_a_shadow_that_hangs_is_not_waited_for_and_is_counted(
    publisher: Publisher, open_router: OpenRouter, queue_url: str
) -> None:
    await publisher.put_project()
    await publisher.publish("v1", number_graph())
    await publisher.put_version("v2", slow_graph(rounds=1))
    await publisher.put_version("v3", number_graph(2.0))
    await publisher.put_champion("v1", shadow=["v2", "v3"])
    async with open_router(queue_url, router=RouterSettings(run_seconds=2)) as served:

        async def loaded() -> bool:
            return len((await served.model())["loaded"]) == 3

        await wait_until(loaded)
        counted = partial(served.metric, "surehand_router_shadow_items_total")
        timeouts = partial(served.metric, "surehand_router_run_timeouts_total", project="shop")
        before = await counted(result="unscored"), await counted(result="scored"), await timeouts()

        async def assert_counted(unscored: int, scored: int, timed_out: int) -> None:
            async def are() -> bool:
                found = await counted(result="unscored"), await counted(result="scored")
                return found == (before[0] + unscored, before[1] + scored)

            await wait_until(are)
            assert await timeouts() == before[2] + timed_out

        # A loop is ended at its deadline.
        await served.one(ENDLESS)
        await assert_counted(1, 1, 1)
        async with held(served.loaded("v2")) as stuck:
            # A kernel is not: the shadow beside it is scored all the same.
            await served.one(SURE)
            with pytest.raises(ModelTimedOut):
                await stuck
            await assert_counted(2, 2, 2)
        await served.one(SURE)
        await assert_counted(2, 4, 2)
