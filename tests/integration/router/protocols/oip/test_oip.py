"""The Open Inference Protocol over HTTP: what is scored, what is routed, what is refused."""

import gzip
import math
import random
import zlib
from typing import Any

import httpx
import numpy as np
import pytest

from services.router.settings import RouterSettings
from shared.contracts.base import task_id_for
from tests.harness import client
from tests.harness.model_publisher import SURE, UNSURE, Publisher, number_graph, project_of
from tests.integration.router.conftest import OpenRouter, ServedRouter
from tests.integration.router.oip import mixed_world, packed, tensor

INFER = "/v2/models/shop/infer"
OURS = {"label", "probabilities", "surehand_confidence"}
OURS |= {"surehand_decision", "surehand_reason", "surehand_task_id"}


def scores(*values: float) -> dict[str, Any]:
    return tensor("score", "FP32", [len(values), 1], list(values))


async def infer(served: ServedRouter, *inputs: Any, **members: Any) -> httpx.Response:
    return await served.caller.post(INFER, json={"inputs": list(inputs), **members})


def outputs(response: httpx.Response) -> dict[str, Any]:
    """The values of each output, by its name."""
    assert response.status_code == 200, response.text
    return {output["name"]: output["data"] for output in response.json()["outputs"]}


def refused(response: httpx.Response, status: int) -> list[str]:
    """The pointers of a problem; clients of the protocol find their `error`."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert isinstance(document["error"], str)
    assert document["error"]
    return [fault["pointer"] for fault in document.get("errors", [])]


def logged_bytes(served: ServedRouter) -> int:
    """Size of the decision log that is not yet shipped."""
    return sum(path.stat().st_size for path in (served.home / "decisions").glob("*/*.jsonl"))


async def test_rows_are_scored_and_neither_routed_nor_queued(served: ServedRouter) -> None:
    response = await infer(served, scores(SURE, UNSURE, -SURE), id="call-1")
    document = response.json()
    assert [document[key] for key in ("model_name", "model_version", "id")] == [
        "shop",
        "v1",
        "call-1",
    ]
    found = outputs(response)
    assert found.keys() == OURS
    assert found["label"] == ["positive", "positive", "negative"]
    confidence = 1 / (1 + math.exp(-SURE))
    assert found["surehand_confidence"][0] == pytest.approx(confidence, abs=1e-6)
    assert found["probabilities"][:2] == pytest.approx([1 - confidence, confidence], abs=1e-6)
    assert found["surehand_decision"] == found["surehand_task_id"] == [""] * 3
    shapes = {output["name"]: output["shape"] for output in document["outputs"]}
    assert (shapes["label"], shapes["probabilities"]) == ([3], [3, 2])
    assert served.queue.item_ids == []
    assert logged_bytes(served) == 0


async def test_predict_says_the_same_of_the_same_item(served: ServedRouter) -> None:
    prediction = await served.one(UNSURE, review="never")
    found = outputs(await infer(served, scores(UNSURE)))
    assert found["surehand_confidence"] == [prediction["confidence"]]
    assert found["probabilities"] == list(prediction["probabilities"].values())


async def test_asked_for_outputs_come_in_their_order_and_alone(served: ServedRouter) -> None:
    wanted = [{"name": "probabilities"}, {"name": "label"}]
    response = await infer(served, scores(SURE), outputs=wanted)
    assert [output["name"] for output in response.json()["outputs"]] == ["probabilities", "label"]


async def test_a_number_may_have_any_numeric_datatype(served: ServedRouter) -> None:
    for datatype, shape in (
        ("FP64", [2]),
        ("FP32", [2, 1]),
        ("FP16", [2]),
        ("INT64", [2]),
        ("UINT8", [2, 1, 1]),
    ):
        body, headers = packed(tensor("score", datatype, shape, [5, 3]))
        response = await served.caller.post(INFER, content=body, headers=headers)
        assert outputs(response)["label"] == ["positive"] * 2, datatype


async def test_several_inputs_are_fed_by_the_graphs_names_or_the_fields(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    async with mixed_world(open_router, publisher, queue_url) as served:
        point = tensor("point", "FP32", [2, 2], [[1, 1], [-3, -3]])
        for name in ("words", "text"):
            words = tensor(name, "BYTES", [2], ["good", "good"])
            found = outputs(await infer(served, point, words))
            assert found["label"] == ["positive", "negative"]
            body, headers = packed(words, tensor("point", "FP32", [2, 2], [1.0, 1.0, -3.0, -3.0]))
            assert outputs(await served.caller.post(INFER, content=body, headers=headers)) == found


async def test_the_graphs_own_outputs_can_be_asked_for(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    async with mixed_world(open_router, publisher, queue_url) as served:
        words = tensor("words", "BYTES", [2], ["good", "naïve ✓"])
        point = tensor("point", "FP32", [2, 2], [1, 1, 0.5, 0])
        wanted = [{"name": name} for name in ("word", "logits", "echo", "label")]
        found = outputs(await infer(served, words, point, outputs=wanted))
        assert found["word"] == [4, 0]
        assert found["logits"] == [0.0, 6.0, 0.0, 0.5]
        assert found["echo"] == ["good", "naïve ✓"]
        described = (await served.caller.get("/v2/models/shop")).json()
        assert {"name": "logits", "datatype": "FP32", "shape": [-1, 2]} in described["outputs"]
        assert described["inputs"] == [
            {"name": "words", "datatype": "BYTES", "shape": [-1, 1]},
            {"name": "point", "datatype": "FP32", "shape": [-1, 2]},
        ]


async def test_binary_outputs_follow_the_json_in_their_order(served: ServedRouter) -> None:
    wanted = [
        {"name": "label", "parameters": {"binary_data": True}},
        {"name": "surehand_confidence"},
        {"name": "probabilities", "parameters": {"binary_data": True}},
    ]
    response = await infer(served, scores(SURE, -SURE), outputs=wanted)
    length = int(response.headers["inference-header-content-length"])
    assert response.headers["content-type"] == "application/octet-stream"
    labels = b"\x08\0\0\0positive\x08\0\0\0negative"
    assert response.content[length : length + len(labels)] == labels
    rows = np.frombuffer(response.content[length + len(labels) :], "<f4").reshape(2, 2)
    plain = outputs(await infer(served, scores(SURE, -SURE)))
    assert rows.ravel().tolist() == plain["probabilities"]


@pytest.mark.parametrize("pack", [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_body_is_read_within_the_limit(served: ServedRouter, pack: Any) -> None:
    encoding, compress = pack
    headers = {"Content-Encoding": encoding}
    body = b'{"inputs":[{"name":"score","shape":[1],"datatype":"FP32","data":[5]}]}'
    response = await served.caller.post(INFER, content=compress(body), headers=headers)
    assert outputs(response)["label"] == ["positive"]
    bomb = compress(b" " * (9 * 1024 * 1024))
    assert refused(await served.caller.post(INFER, content=bomb, headers=headers), 413) == []
    for broken in (body, compress(body)[:-5]):
        assert refused(await served.caller.post(INFER, content=broken, headers=headers), 400) == [
            ""
        ]
    unknown = {"Content-Encoding": "br"}
    assert refused(await served.caller.post(INFER, content=body, headers=unknown), 400) == [""]


async def test_a_version_can_be_named(served: ServedRouter) -> None:
    await served.publisher.put_version("v2", number_graph(slope=-1.0))
    path = "/v2/models/shop/versions/{}/infer"
    body = {"inputs": [scores(SURE)]}
    found = {}
    for version in ("v1", "v2"):
        response = await served.caller.post(path.format(version), json=body)
        assert response.json()["model_version"] == version
        found[version] = outputs(response)["label"]
    assert found == {"v1": ["positive"], "v2": ["negative"]}
    refused(await served.caller.post(path.format("v9"), json=body), 404)
    assert (await served.model())["champion"] == "v1"


async def test_review_routes_as_predict_does(served: ServedRouter) -> None:
    parameters = {"surehand_review": "auto", "surehand_item_ids": ["sure", "unsure"]}
    found = outputs(await infer(served, scores(SURE, UNSURE), parameters=parameters))
    assert found["surehand_decision"] == ["answered", "in_review"]
    assert found["surehand_reason"] == ["confident", "below_threshold"]
    # What the promise does not cover is no label.
    assert found["label"] == ["positive", ""]
    assert found["surehand_task_id"] == ["", task_id_for("shop", "unsure")]
    assert served.queue.item_ids == ["unsure"]
    assert logged_bytes(served) > 0
    (_, tasks) = served.queue.batches[0]
    assert tasks[0]["data"] == {"score": UNSURE}


async def test_review_always_asks_a_person(served: ServedRouter) -> None:
    parameters = {"surehand_review": "always", "surehand_item_ids": ["a"]}
    found = outputs(await infer(served, scores(SURE), parameters=parameters))
    assert found["surehand_reason"] == ["forced"]
    assert served.queue.item_ids == ["a"]


async def test_review_needs_every_field_and_scores_only_the_models(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    fields = {**project_of().fields, "note": project_of().fields["score"]}
    await publisher.put_project(project_of(fields=fields))
    await publisher.publish("v1")
    async with open_router(queue_url) as served:
        assert outputs(await infer(served, scores(SURE)))["label"] == ["positive"]
        parameters = {"surehand_review": "auto", "surehand_item_ids": ["a"]}
        response = await infer(served, scores(SURE), parameters=parameters)
        assert refused(response, 400) == ["/inputs"]
        note = tensor("note", "FP64", [1], [7.5])
        response = await infer(served, scores(UNSURE), note, parameters=parameters)
        assert outputs(response)["surehand_decision"] == ["in_review"]
        assert served.queue.batches[0][1][0]["data"] == {"score": UNSURE, "note": 7.5}


async def test_without_a_model_items_still_go_to_people(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project()
    async with open_router(queue_url) as served:
        refused(await infer(served, scores(SURE)), 503)
        refused(await served.caller.get("/v2/models/shop"), 503)
        refused(await served.caller.get("/v2/models/shop/ready"), 503)
        parameters = {"surehand_review": "auto", "surehand_item_ids": ["a"]}
        found = outputs(await infer(served, scores(SURE), parameters=parameters))
        assert found["surehand_reason"] == ["no_model"]
        assert (found["label"], found["surehand_confidence"]) == ([""], [None])
        assert served.queue.item_ids == ["a"]


FAULTY_PARAMETERS: list[tuple[dict[str, Any], int, str]] = [
    ({"surehand_review": "never"}, 400, "/parameters/surehand_review"),
    ({"surehand_review": 1}, 400, "/parameters/surehand_review"),
    ({"surehand_reveiw": "auto"}, 400, "/parameters/surehand_reveiw"),
    ({"surehand_review": "auto"}, 400, "/parameters/surehand_item_ids"),
    ({"surehand_item_ids": ["a"]}, 400, "/parameters/surehand_item_ids"),
    ({"surehand_item_ids": "ab"}, 400, "/parameters/surehand_item_ids"),
    ({"surehand_item_ids": ["a", "b\n"]}, 422, "/parameters/surehand_item_ids/1"),
    ({"surehand_item_ids": ["a", 1]}, 422, "/parameters/surehand_item_ids/1"),
    ({"surehand_item_ids": ["a", "a"]}, 422, "/parameters/surehand_item_ids/1"),
]


async def test_a_faulty_parameter_is_named(served: ServedRouter) -> None:
    for given, status, pointer in FAULTY_PARAMETERS:
        parameters = {"surehand_review": "auto", **given}
        response = await infer(served, scores(UNSURE, UNSURE), parameters=parameters)
        assert refused(response, status) == [pointer], given
    assert served.queue.item_ids == []


async def test_a_conflict_points_at_the_id(served: ServedRouter) -> None:
    served.queue.status["b"] = {"status": "conflict"}
    parameters = {"surehand_review": "auto", "surehand_item_ids": ["a", "b"]}
    response = await infer(served, scores(UNSURE, UNSURE), parameters=parameters)
    assert refused(response, 409) == ["/parameters/surehand_item_ids/1"]


FAULTY_INPUTS: list[tuple[list[dict[str, Any]], str]] = [
    ([tensor("colour", "FP32", [1], [1])], "/inputs/0/name"),
    ([scores(1), scores(2)], "/inputs/1"),
    ([tensor("score", "BYTES", [1], ["1"])], "/inputs/0/datatype"),
    ([tensor("score", "BOOL", [1], [True])], "/inputs/0/datatype"),
    ([tensor("score", "FP32", [1, 2], [1, 2])], "/inputs/0/shape"),
    ([scores(*[1.0] * 1001)], "/inputs/0/shape"),
]


async def test_a_tensor_that_is_not_the_models_is_400(served: ServedRouter) -> None:
    for inputs, pointer in FAULTY_INPUTS:
        assert refused(await infer(served, *inputs), 400) == [pointer]
    assert refused(await infer(served, scores(1), outputs=[{"name": "colour"}]), 400) == [
        "/outputs/0/name"
    ]


FAULTY_ROWS: list[tuple[dict[str, Any], str]] = [
    (tensor("words", "BYTES", [2], ["good", "a\0b"]), "/inputs/0/data/1"),
    (tensor("words", "BYTES", [2], ["x" * 11, "good"]), "/inputs/0/data/0"),
    (tensor("words", "BYTES", [2], ["good", b"\xff\xfe"]), "/inputs/0/data/1"),
]


async def test_a_value_that_predict_refuses_is_named_by_input_and_row(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    async with mixed_world(open_router, publisher, queue_url) as served:
        point = tensor("point", "FP32", [2, 2], [1.0, 1.0, 1.0, 1.0])
        for words, pointer in FAULTY_ROWS:
            body, headers = packed(words, point)
            response = await served.caller.post(INFER, content=body, headers=headers)
            assert refused(response, 422) == [pointer]
        words = tensor("words", "BYTES", [2], ["good", "good"])
        for value in (math.nan, math.inf):
            body, headers = packed(words, tensor("point", "FP32", [2, 2], [1.0, 1.0, value, 1.0]))
            response = await served.caller.post(INFER, content=body, headers=headers)
            assert refused(response, 422) == ["/inputs/1/data/1"]
        lacking = await infer(served, words)
        assert refused(lacking, 400) == ["/inputs"]
        assert "point" in lacking.json()["error"]
        uneven = await infer(served, words, tensor("point", "FP32", [1, 2], [1, 1]))
        assert refused(uneven, 400) == ["/inputs/1/shape"]


async def test_a_row_that_the_graph_cannot_score_is_named(served: ServedRouter) -> None:
    # Too large for the graph's float32.
    huge = tensor("score", "FP64", [2], [1.0, 1e300])
    assert refused(await infer(served, huge), 422) == ["/inputs/0/data/1"]


async def test_bodies_that_are_no_json_are_400(served: ServedRouter) -> None:
    for body in (b"", b"{", b"\xff"):
        refused(await served.caller.post(INFER, content=body), 400)
    nan = b'{"inputs":[{"name":"score","shape":[1],"datatype":"FP32","data":[NaN]}]}'
    assert refused(await served.caller.post(INFER, content=nan), 422) == ["/inputs/0/data/0"]
    for length in ("x", "-1", "99", "9" * 30):
        headers = {"Inference-Header-Content-Length": length}
        assert refused(await served.caller.post(INFER, content=nan, headers=headers), 400) == [""]


async def test_no_mangled_binary_body_is_ever_a_500(served: ServedRouter) -> None:
    body, headers = packed(scores(SURE, UNSURE), outputs=[{"name": "label"}])
    draw = random.Random(20261124)
    for _ in range(150):
        mangled = bytearray(body)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(mangled))
            mangled[at : at + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
        response = await served.caller.post(INFER, content=bytes(mangled), headers=headers)
        assert response.status_code in (200, 400, 422), response.text
    assert outputs(await served.caller.post(INFER, content=body, headers=headers))


async def test_refusals_of_any_layer_have_their_error(served: ServedRouter) -> None:
    refused(await served.caller.post("/v2/models/nowhere/infer", json={"inputs": [scores(1)]}), 404)
    refused(await served.caller.get("/v2/models/nowhere/ready"), 404)
    refused(await served.caller.get("/v2/models/shop/versions/v9/ready"), 404)
    refused(await served.caller.get("/v2/models/shop/stats"), 404)
    refused(await served.caller.put("/v2"), 405)
    refused(await served.caller.post(INFER, content=b" " * (9 * 1024 * 1024)), 413)
    # And those of the rest of the API have none.
    assert "error" not in (await served.caller.get("/v1/projects/nowhere/model")).json()


async def test_each_route_asks_for_its_role(served: ServedRouter) -> None:
    base, issue = str(served.caller.base_url), served.keys.issue
    allowed = {
        ("GET", "/v2"): "callers",
        ("GET", "/v2/models/shop"): "callers",
        ("GET", "/v2/models/shop/ready"): "callers",
        ("POST", INFER): "callers",
        ("POST", "/v2/models/shop/versions/v1/infer"): "callers",
        ("POST", "/v2/repository/index"): "anybody",
        ("POST", "/v2/repository/models/shop/load"): "operators",
    }
    admits = {"operators": {"operator"}, "callers": {"operator", "caller"}}
    admits["anybody"] = {"operator", "caller", "reviewer", "service"}
    for role in ("caller", "reviewer", "operator", "service"):
        async with client(base, issue(role, "x")) as someone:
            for (method, path), who in allowed.items():
                body = {"inputs": [scores(1)]} if path.endswith("infer") else None
                response = await someone.request(method, path, json=body)
                assert response.status_code == (200 if role in admits[who] else 403), (role, path)
    async with client(base) as stranger:
        for method, path in allowed:
            refused(await stranger.request(method, path), 401)
        for path in ("/v2/health/live", "/v2/health/ready"):
            assert (await stranger.get(path)).status_code == 200


async def test_rows_count_against_the_rate_of_a_token(
    open_router: OpenRouter, publisher: Publisher, away_url: str
) -> None:
    await publisher.put_project()
    await publisher.publish("v1")
    async with open_router(away_url, router=RouterSettings(rate_limit=1)) as served:
        await served.serving("v1")
        rows = scores(*[SURE] * 400)
        named = "/v2/models/shop/versions/v1/infer"
        for path, left in ((INFER, 600), (named, 200)):
            response = await served.caller.post(path, json={"inputs": [rows]})
            assert response.headers["ratelimit"].startswith(f'"items";r={left};t=')
        response = await infer(served, rows)
        assert refused(response, 429) == []
        assert response.headers["retry-after"]
        # What is refused takes nothing.
        assert refused(await infer(served, scores(*[SURE] * 200), rows), 400) == ["/inputs/1"]
        review = {"surehand_review": "auto", "surehand_item_ids": [str(n) for n in range(200)]}
        response = await infer(served, scores(*[SURE] * 200), parameters=review)
        assert outputs(response)["surehand_decision"] == ["answered"] * 200


async def test_the_api_describes_its_refusals(served: ServedRouter) -> None:
    paths = (await served.caller.get("/openapi.json")).json()["paths"]
    model = {"200", "401", "403", "404", "422", "503"}
    routed = model | {"400", "408", "409", "413", "429"}
    assert set(paths["/v2/models/{project}"]["get"]["responses"]) == model - {"422"}
    for path in ("", "/versions/{version}"):
        described = paths[f"/v2/models/{{project}}{path}/infer"]["post"]
        assert set(described["responses"]) == routed
        assert set(described["requestBody"]["content"]) == {
            "application/json",
            "application/octet-stream",
        }
    label_studio = paths["/label-studio/{project}/predict"]["post"]["responses"]
    assert set(label_studio) == model | {"400", "408", "409", "413", "429"}


async def test_a_token_of_another_project_sees_nothing(served: ServedRouter) -> None:
    base = str(served.caller.base_url)
    async with client(base, served.keys.issue("caller", "x", projects=["other"])) as someone:
        assert (await someone.post("/v2/repository/index")).json() == []
        refused(await someone.post(INFER, json={"inputs": [scores(1)]}), 403)


async def test_the_index_says_what_is_loaded_and_what_is_not(served: ServedRouter) -> None:
    index = "/v2/repository/index"
    assert (await served.caller.post(index)).json() == [
        {"name": "shop", "version": "v1", "state": "READY", "reason": ""}
    ]
    await served.publisher.publish("v2", b"no graph")
    await served.refused("v2")
    first, second = (await served.caller.post(index)).json()
    assert (first["version"], first["state"]) == ("v1", "READY")
    assert (second["version"], second["state"]) == ("v2", "UNAVAILABLE")
    assert "ONNX" in second["reason"]
    assert (await served.caller.post(index, json={"ready": True})).json() == [first]
    assert refused(await served.caller.post(index, json={"ready": "yes"}), 422) == ["/ready"]


async def test_an_unloaded_model_fails_closed_until_it_is_loaded(served: ServedRouter) -> None:
    base = str(served.caller.base_url)
    async with client(base, served.keys.issue("operator", "o")) as operator:
        unloaded = await operator.post("/v2/repository/models/shop/unload", json={})
        assert unloaded.status_code == 200
        refused(await infer(served, scores(SURE)), 503)
        refused(await served.caller.get("/v2/models/shop/versions/v1/ready"), 503)
        (entry,) = (await served.caller.post("/v2/repository/index")).json()
        assert (entry["state"], entry["reason"]) == ("UNAVAILABLE", "it was unloaded")
        prediction = await served.one(SURE, "meanwhile")
        assert (prediction["decision"], prediction["label"]) == ("in_review", None)
        # Another version does not bring it back.
        await served.publisher.publish("v2", number_graph(2.0))
        await served.project_revision(1)
        refused(await served.caller.get("/v2/models/shop/ready"), 503)
        loaded = await operator.post("/v2/repository/models/shop/load", json={})
        assert loaded.status_code == 200
        assert (await served.one(SURE, "again"))["decision"] == "answered"
        assert (await served.model())["serving"] == "v2"


async def test_a_model_that_cannot_be_loaded_says_why(served: ServedRouter) -> None:
    base = str(served.caller.base_url)
    async with client(base, served.keys.issue("operator", "o")) as operator:
        await operator.post("/v2/repository/models/shop/unload")
        await served.publisher.publish("v2", b"no graph")
        response = await operator.post("/v2/repository/models/shop/load")
        refused(response, 503)
        assert "ONNX" in response.json()["error"]
        refused(await operator.post("/v2/repository/models/nowhere/load"), 404)
        refused(await operator.post("/v2/repository/models/nowhere/unload"), 404)
