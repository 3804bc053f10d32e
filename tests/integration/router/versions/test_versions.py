"""Hot reload: a flip to what is verified and warm; anything else leaves the old in place."""

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from shared.contracts.versions import ModelInput
from shared.doorbells import Doorbells, versions_bell
from shared.settings import CommonSettings
from shared.store import manifest_path, model_path
from tests.harness import wait_until
from tests.harness.model_publisher import (
    SURE,
    UNSURE,
    Publisher,
    manifest_of,
    number_graph,
    project_of,
)
from tests.integration.router.conftest import OpenRouter, ServedRouter, store_away


async def test_a_new_version_is_picked_up_and_routed_by_its_own_entry(served: ServedRouter) -> None:
    before = await served.one(UNSURE)
    assert (before["decision"], before["model_version"]) == ("in_review", "v1")
    digest = await served.publisher.publish("v2", number_graph(slope=10.0))
    await served.serving("v2")
    after = await served.one(UNSURE)
    assert (after["decision"], after["model_version"]) == ("answered", "v2")
    status = await served.model()
    assert (status["champion"], status["loaded"]) == ("v2", {"v2": digest})


async def test_a_doorbell_makes_it_prompt(
    open_router: OpenRouter, publisher: Publisher, common: CommonSettings, queue_url: str
) -> None:
    await publisher.put_project()
    await publisher.publish("v1")
    # Without a ring this router would look again after a minute.
    bells = Doorbells(common.redis_url)
    async with open_router(queue_url, poll_seconds=60.0) as served, bells.listening():
        await publisher.publish("v2", number_graph(2.0))

        async def rung() -> bool:
            await bells.ring(versions_bell("shop"))
            return bool((await served.model())["serving"] == "v2")

        await wait_until(rung)


def graph(*nodes: Any, kind: int = TensorProto.FLOAT, width: int = 2) -> bytes:
    """A graph of `nodes` from `score` to `probabilities`."""
    model = helper.make_model(
        helper.make_graph(
            list(nodes),
            "odd",
            [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
            [helper.make_tensor_value_info("probabilities", kind, [None, width])],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    return bytes(model.SerializeToString())


PAIR = helper.make_node("Concat", ["score", "score"], ["pair"], axis=1)
NAN = graph(PAIR, helper.make_node("Div", ["pair", "pair"], ["probabilities"]))
LOGITS = graph(PAIR, helper.make_node("Exp", ["pair"], ["probabilities"]))
NARROW = graph(helper.make_node("Softmax", ["score"], ["probabilities"]), width=1)
COUNTS = graph(
    PAIR,
    helper.make_node("Cast", ["pair"], ["probabilities"], to=TensorProto.INT64),
    kind=TensorProto.INT64,
)
# One row whatever the number of items: a fixed batch would mix the items up.
FIRST_ONLY = graph(
    helper.make_node("Constant", [], ["probabilities"], value_floats=[0.5, 0.5]),
)
TEXT = ModelInput(name="score", field="score", dtype="string", shape=[-1, 1])
ELSEWHERE = ModelInput(name="score", field="price", dtype="float", shape=[-1, 1])
MISNAMED = ModelInput(name="price", field="score", dtype="float", shape=[-1, 1])


# A graph, what its manifest says otherwise, and a part of why the version is refused.
UNUSABLE: list[tuple[bytes, dict[str, Any], str]] = [
    (b"not a graph", {}, "cannot load"),
    (b"", {}, "cannot load"),
    (number_graph()[:-40], {}, "cannot load"),
    (number_graph(), {"model_sha256": "0" * 64}, "digest"),
    (number_graph(), {"labels": ["positive", "negative"]}, "labels"),
    (number_graph(), {"labels": ["a", "b", "c"]}, "labels"),
    (number_graph(), {"outputs": {"probabilities": "other"}}, "output"),
    (number_graph(), {"outputs": {}}, "output"),
    (number_graph(), {"inputs": []}, "does not feed score"),
    (number_graph(), {"inputs": [TEXT]}, "cannot be fed"),
    (number_graph(), {"inputs": [ELSEWHERE]}, "does not have"),
    (number_graph(), {"inputs": [MISNAMED]}, "no input price"),
    (number_graph(), {"version": "v9"}, "v9"),
    (NAN, {}, "probabilities that sum to one"),
    (LOGITS, {}, "probabilities that sum to one"),
    (NARROW, {}, "shape"),
    (FIRST_ONLY, {}, "shape"),
    (COUNTS, {}, "float or double"),
]


async def test_a_version_that_does_not_hold_leaves_the_old_one_serving(
    served: ServedRouter,
) -> None:
    for number, (model, manifest, why) in enumerate(UNUSABLE, start=20):
        version = f"v{number}"
        await served.publisher.publish(version, model, **manifest)
        assert why in await served.refused(version), (manifest, why)
        prediction = await served.one(SURE)
        assert (prediction["decision"], prediction["model_version"]) == ("answered", "v1")
        status = await served.model()
        assert (status["champion"], status["serving"]) == (version, "v1")
        assert list(status["loaded"]) == ["v1"]
        assert (await served.caller.get("/readyz")).status_code == 200


async def test_a_half_written_version_serves_once_it_is_whole(served: ServedRouter) -> None:
    model = number_graph(2.0)
    await served.publisher.put_champion("v2")
    assert "no manifest.json" in await served.refused("v2")
    await served.publisher.store.write(model_path("shop", "v2"), model)
    assert (await served.one(SURE))["model_version"] == "v1"
    await served.publisher.store.write_document(
        manifest_path("shop", "v2"), manifest_of("v2", model)
    )
    await served.serving("v2")
    # Its promise entry never came: it serves, and answers nothing.
    assert (await served.one(SURE))["reason"] == "uncertified"


async def test_a_manifest_without_its_graph_is_refused(served: ServedRouter) -> None:
    await served.publisher.store.write_document(
        manifest_path("shop", "v2"), manifest_of("v2", b"missing")
    )
    await served.publisher.put_champion("v2")
    assert "no model.onnx" in await served.refused("v2")
    assert (await served.one(SURE))["model_version"] == "v1"


@pytest.mark.thorough
async def test_a_damaged_graph_that_is_repaired_is_loaded_without_a_ring(
    served: ServedRouter,
) -> None:
    model = number_graph(3.0)
    await served.publisher.publish("v2", model)
    await served.serving("v2")
    third = number_graph(4.0)
    await served.publisher.store.write_document(
        manifest_path("shop", "v3"), manifest_of("v3", third)
    )
    await served.publisher.store.write(model_path("shop", "v3"), third[:-1])
    await served.publisher.put_champion("v3")
    assert "digest" in await served.refused("v3")
    await served.publisher.store.write(model_path("shop", "v3"), third)
    await served.serving("v3")
    assert (await served.model())["failures"] == {}


async def test_a_first_champion_that_is_refused_makes_its_items_model_invalid(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project()
    await publisher.publish("v1", b"not a graph")
    async with open_router(queue_url) as served:
        prediction = await served.one(SURE)
        assert (prediction["decision"], prediction["reason"]) == ("in_review", "model_invalid")
        assert "cannot load" in (await served.model())["failures"]["v1"]
        assert await served.metric("surehand_router_reload_failures_total") > 0


async def test_a_champion_that_is_taken_away_serves_no_more(served: ServedRouter) -> None:
    await served.publisher.put_champion(None)
    await served.serving(None)
    assert (await served.one(SURE))["reason"] == "no_model"


async def test_a_roll_back_serves_the_older_version_again(served: ServedRouter) -> None:
    await served.publisher.publish("v2", number_graph(2.0))
    await served.serving("v2")
    await served.publisher.put_champion("v1")
    await served.serving("v1")
    assert (await served.one(SURE))["decision"] == "answered"


async def test_new_labels_take_the_model_out_of_service(served: ServedRouter) -> None:
    await served.publisher.put_project(project_of(revision=2, labels=["a", "b"]))
    assert "labels" in await served.refused("v1")
    prediction = await served.one(SURE)
    assert (prediction["reason"], prediction["suggestion"]) == ("model_invalid", None)


@pytest.mark.parametrize("name", ["project.json", "channels.json"])
async def test_a_malformed_document_leaves_the_known_one_in_place(
    served: ServedRouter, name: str
) -> None:
    await served.publisher.store.write(f"shop/{name}", b'{"revision": "x"}')
    await served.publisher.put_promise()
    await served.serving_revision(served.publisher.revision)
    assert (await served.one(SURE))["decision"] == "answered"


async def test_a_malformed_promise_is_no_promise(served: ServedRouter) -> None:
    await served.publisher.store.write("shop/promise.json", b"{}")

    async def revoked() -> bool:
        return bool((await served.one(SURE))["reason"] == "uncertified")

    await wait_until(revoked)


async def test_a_suspension_takes_effect_without_a_restart(served: ServedRouter) -> None:
    entry = served.publisher.entries["v1"].model_copy(update={"state": "suspended"})
    await served.publisher.put_promise(v1=entry)
    await served.serving_revision(served.publisher.revision)
    assert (await served.one(SURE))["reason"] == "promise_suspended"


async def test_while_the_store_is_away_the_known_version_goes_on(served: ServedRouter) -> None:
    with store_away(served.home):

        async def noticed() -> bool:
            return await served.metric("surehand_router_store_failures_total") > 0

        await wait_until(noticed)
        assert (await served.one(SURE))["decision"] == "answered"
        response = await served.caller.get("/v1/projects/other/model")
        assert response.status_code == 503
    await served.publisher.publish("v2", number_graph(2.0))
    await served.serving("v2")


async def test_each_project_has_its_own_version(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    news = Publisher(publisher.store, project_of("news"))
    for one in (publisher, news):
        await one.put_project()
    await publisher.publish("v1")
    await news.publish("v7", number_graph(slope=-1.0))
    async with open_router(queue_url) as served:
        shop = await served.one(SURE)
        served.publisher = news
        other = await served.one(SURE)
    assert (shop["label"], shop["model_version"]) == ("positive", "v1")
    assert (other["label"], other["model_version"]) == ("negative", "v7")


async def test_scores_are_those_of_the_graph(served: ServedRouter) -> None:
    scores = np.linspace(-3, 3, 50)
    items = [{"data": {"score": float(score)}} for score in scores]
    predictions = (await served.predict(*items)).json()["predictions"]
    found = [one["probabilities"]["positive"] for one in predictions]
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-scores)), atol=1e-6)
