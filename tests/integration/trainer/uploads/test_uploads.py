"""A model from elsewhere becomes a version like any other, or is refused with a sentence."""

import asyncio
import contextlib
import re
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from onnx import helper

from services.trainer.app import create_app
from services.trainer.settings import TrainerSettings
from shared.auth import Keys
from shared.contracts.versions import Channels, Manifest, PromiseDocument
from shared.graphs.control_flow import MOST_ROUNDS
from shared.settings import CommonSettings
from shared.store import (
    Store,
    channels_path,
    manifest_path,
    model_path,
    promise_path,
    sha256,
)
from tests.graphs import (
    FLOAT,
    INT64,
    an_input,
    bytes_of,
    linear,
    model_of,
    node,
    number_model,
    text_model,
)
from tests.harness import client, serve, wait_until
from tests.harness.served_trainer import ROOT, ServedTrainer, serve_trainer
from tests.harness.trainer_and_queue import PROJECT

pytestmark = pytest.mark.any_database

FIELDS = {"text": {"type": "text"}, "price": {"type": "number"}}
TEXT = an_input("text", "text", "string")
MANIFEST: dict[str, Any] = {
    "inputs": [TEXT.model_dump()],
    "outputs": {"probabilities": "probabilities"},
}


def parts(model: bytes, **changes: Any) -> dict[str, Any]:
    manifest = orjson.dumps({**MANIFEST, **changes}).decode()
    return {"model": ("model.onnx", model), "manifest": (None, manifest)}


async def upload(trainer: ServedTrainer, model: bytes, **changes: Any) -> httpx.Response:
    return await trainer.operator.post(f"{ROOT}/versions", files=parts(model, **changes))


def faults(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return {fault["pointer"]: fault["detail"] for fault in response.json()["errors"]}


async def test_an_own_model_is_published_recorded_and_serves_uncertified(
    common: CommonSettings, keys: Keys, database_url: str
) -> None:
    async with serve_trainer(common, keys, database_url, fields=FIELDS) as trainer:
        model = text_model()
        # A manifest may be a file too, and name the labels.
        manifest = {**MANIFEST, "metrics": {"accuracy": 0.9}, "labels": ["negative", "positive"]}
        sent = ("manifest.json", orjson.dumps(manifest))
        files = {"model": ("m", model), "manifest": sent}
        response = await trainer.operator.post(f"{ROOT}/versions", files=files)
        assert response.status_code == 201, response.text
        view = response.json()
        assert (view["version"], view["standing"], view["channels"]) == (
            "v1",
            "uncertified",
            ["champion"],
        )
        assert view["manifest"]["recipe"] == "own"
        assert view["manifest"]["metrics"] == {"accuracy": 0.9}
        store = Store(common.store_address)
        kept = await store.read_document(manifest_path(PROJECT, "v1"), Manifest)
        assert kept is not None
        assert kept.model_sha256 == sha256(model)
        assert kept.inputs == [TEXT]
        assert await store.read(model_path(PROJECT, "v1")) == model
        channels = await store.read_document(channels_path(PROJECT), Channels)
        promise = await store.read_document(promise_path(PROJECT), PromiseDocument)
        assert channels is not None
        assert promise is not None
        assert channels.champion == "v1"
        assert promise.versions["v1"].state == "uncertified"
        runs = (await trainer.operator.get(f"{ROOT}/runs")).json()["runs"]
        assert [(run["mode"], run["state"], run["version"]) for run in runs] == [
            ("upload", "succeeded", "v1")
        ]
        assert runs[0]["requested_by"] == "op"
        certificate = (await trainer.operator.get(f"{ROOT}/certificate")).json()
        assert (certificate["state"], certificate["version"]) == ("waiting", "v1")


@pytest.mark.thorough
async def test_a_second_own_model_waits_for_its_certificate_or_an_operator(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url, fields=FIELDS) as trainer:
        await upload(trainer, text_model())
        second = (await upload(trainer, text_model(weight=2.0))).json()
        assert (second["version"], second["channels"]) == ("v2", [])
        assert "made elsewhere" in second["gate"]["publication"]["reasons"][0]
        assert (await trainer.operator.post(f"{ROOT}/versions/v2/promote")).status_code == 200
        shown = (await trainer.operator.get(f"{ROOT}/versions/v2")).json()
        assert shown["channels"] == ["champion"]


ZIPMAP = model_of(
    [
        node("Concat", ["price", "price"], ["two"], axis=1),
        node("ZipMap", ["two"], ["maps"], domain="ai.onnx.ml", classlabels_strings=["a", "b"]),
    ],
    {"price": (FLOAT, [None, 1])},
    output=helper.make_value_info(
        "maps",
        helper.make_sequence_type_proto(
            helper.make_map_type_proto(8, helper.make_tensor_type_proto(FLOAT, []))
        ),
    ),
)
PRICE = [an_input("price", "price").model_dump()]
PRICES = {"price": (FLOAT, [None, 1])}
REFUSED: dict[str, tuple[bytes, dict[str, Any], str, str]] = {
    "noise": (b"not a graph", {}, "/model", "not an ONNX file"),
    "unknown operators": (
        bytes_of(model_of([node("Foo", ["price"], ["probabilities"])], PRICES)),
        {"inputs": PRICE},
        "/model",
        "does not know these operators: Foo",
    ),
    "no output": (
        text_model(),
        {"outputs": {"probabilities": "p"}},
        "/manifest/outputs/probabilities",
        "the graph has probabilities",
    ),
    "wrong field": (
        text_model(),
        {"inputs": [an_input("text", "price", "string").model_dump()]},
        "/manifest/inputs/0",
        "cannot be fed from a number field",
    ),
    "labels": (text_model(), {"labels": ["positive", "negative"]}, "/manifest/labels", "order"),
    "no inputs": (text_model(), {"inputs": []}, "/manifest/inputs", ""),
    "wrong type": (
        text_model(),
        {"inputs": [{**TEXT.model_dump(), "shape": "wide"}]},
        "/manifest/inputs/0/shape",
        "",
    ),
    "wrong union": (
        text_model(),
        {"inputs": [{**TEXT.model_dump(), "field": 7}]},
        "/manifest/inputs/0/field",
        "",
    ),
    "unknown output": (text_model(), {"outputs": {"label": "l"}}, "/manifest/outputs/label", ""),
    "unknown member": (text_model(), {"colour": "red"}, "/manifest/colour", ""),
}


# `tests/unit/shared/test_graphs.py` has every refusal of the process's.
REFUSED_BY_A_PROCESS = ["unknown operators", "no output", "wrong field"]
QUICKLY_REFUSED = [name for name in REFUSED if name not in REFUSED_BY_A_PROCESS]


@pytest.mark.parametrize(
    "names",
    [QUICKLY_REFUSED, pytest.param(REFUSED_BY_A_PROCESS, marks=pytest.mark.thorough)],
    ids=["quickly", "by a process"],
)
async def test_what_cannot_be_a_version_is_refused_at_its_place(
    common: CommonSettings, keys: Keys, sqlite_url: str, names: list[str]
) -> None:
    async with serve_trainer(common, keys, sqlite_url, fields=FIELDS) as trainer:
        for name in names:
            model, changes, pointer, why = REFUSED[name]
            found = faults(await upload(trainer, model, **changes))
            assert pointer in found, name
            assert why in found[pointer], name
        assert (await trainer.operator.get(f"{ROOT}/versions")).json()["versions"] == []
        assert await Store(common.store_address).files(f"{PROJECT}/versions") == []


async def test_faulty_parts_are_named(common: CommonSettings, keys: Keys, sqlite_url: str) -> None:
    model = ("m.onnx", text_model())
    manifest = (None, orjson.dumps(MANIFEST).decode())
    faulty: list[tuple[list[tuple[str, Any]], dict[str, str]]] = [
        ([("model", model)], {"/manifest": "is missing"}),
        ([("manifest", manifest)], {"/model": "is missing"}),
        ([("model", model), ("manifest", manifest), ("x", (None, "1"))],
         {"/x": "is no part of an upload"}),
        ([("model", model), ("manifest", manifest), ("manifest", manifest)],
         {"/manifest": "is there twice"}),
        ([("model", (None, "text")), ("manifest", manifest)],
         {"/model": "must be a file: send it with a file name"}),
        ([("model", model), ("manifest", (None, "{"))], {"/manifest": "must be JSON"}),
        ([("model", model), ("manifest", (None, '{"inputs": NaN}'))],
         {"/manifest/inputs": "must be a finite number"}),
    ]  # fmt: skip
    async with serve_trainer(common, keys, sqlite_url, fields=FIELDS) as trainer:
        for files, expected in faulty:
            assert faults(await trainer.operator.post(f"{ROOT}/versions", files=files)) == expected
        answer = await trainer.operator.post(f"{ROOT}/versions", json=MANIFEST)
        assert list(faults(answer)) == ["/header/content-type"]
        torn = {"Content-Type": "multipart/form-data"}
        answer = await trainer.operator.post(f"{ROOT}/versions", content=b"x", headers=torn)
        assert "boundary" in faults(answer)[""]


async def test_only_operators_of_the_project_may_upload(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url, fields=FIELDS) as trainer:
        tokens = {keys.issue("caller", "c"): 403, keys.issue("service", "s"): 403, "": 401}
        for token, status in tokens.items():
            async with client(trainer.base, token) as stranger:
                answer = await stranger.post(f"{ROOT}/versions", files=parts(text_model()))
                assert answer.status_code == status
        answer = await trainer.operator.post("/v1/projects/nobody/versions", files=parts(b""))
        assert answer.status_code == 404


@pytest.mark.parametrize("chunked", [pytest.param(False, marks=pytest.mark.thorough), True])
async def test_a_model_may_be_larger_than_other_bodies_and_has_a_limit_of_its_own(
    common: CommonSettings, keys: Keys, sqlite_url: str, chunked: bool
) -> None:
    small = common.model_copy(update={"body_limit_bytes": 65_536})
    limit = 200_000
    limits = {"model_limit_bytes": limit}
    async with serve_trainer(small, keys, sqlite_url, limits, fields=FIELDS) as trainer:

        async def send(model: bytes) -> httpx.Response:
            request = trainer.operator.build_request("POST", f"{ROOT}/versions", files=parts(model))
            if not chunked:
                return await trainer.operator.send(request)
            body = request.read()

            async def pieces() -> Any:
                for start in range(0, len(body), 65_536):
                    yield body[start : start + 65_536]

            headers = {"Content-Type": request.headers["content-type"]}
            return await trainer.operator.post(
                f"{ROOT}/versions", content=pieces(), headers=headers
            )

        model = wide_model()
        assert 65_536 < len(model) < limit
        response = await send(model)
        assert response.status_code == 201, response.text
        response = await send(b"x" * (limit + 1))
        assert (response.status_code, response.json()["limit_bytes"]) == (413, limit)
        response = await send(b"x" * (limit + 3 * 1024 * 1024))
        assert response.status_code == 413
        assert response.json()["limit_bytes"] > limit
        other = await trainer.operator.post(f"{ROOT}/runs", json={"x": "x" * 65_536})
        assert (other.status_code, other.json()["limit_bytes"]) == (413, 65_536)


def wide_model() -> bytes:
    """A model of more than 100 KB."""
    nodes, constants = linear("text_score", [1.0])
    encode = node(
        "LabelEncoder",
        ["text"],
        ["text_score"],
        domain="ai.onnx.ml",
        keys_strings=[f"word {i} {'x' * 100}" for i in range(1000)],
        values_floats=[0.5] * 1000,
        default_float=0.0,
    )
    return bytes_of(model_of([encode, *nodes], {"text": (8, [None, 1])}, constants=constants))


@pytest.mark.thorough
async def test_a_model_that_hardly_ever_ends_is_ended(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    body = helper.make_graph(
        [
            node("Identity", ["go"], ["still"]),
            # What a round computes follows the round before: nothing of it is computed at loading.
            node("ReduceMax", ["value"], ["top"], keepdims=0),
            node("Add", ["table", "top"], ["shifted"]),
            node("MatMul", ["shifted", "shifted"], ["product"]),
            node("ReduceMax", ["product"], ["most"], keepdims=0),
            node("Add", ["value", "most"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", INT64, []),
            helper.make_tensor_value_info("go", 9, []),
            helper.make_tensor_value_info("value", FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", 9, []),
            helper.make_tensor_value_info("next", FLOAT, None),
        ],
    )
    nodes, constants = linear("last", [1.0])
    model = model_of(
        [node("Loop", ["turns", "go", "price"], ["last"], body=body), *nodes],
        PRICES,
        constants={
            **constants,
            "turns": np.array(MOST_ROUNDS),
            "go": np.array(True),
            "table": np.zeros((1500, 1500), dtype=np.float32),
        },
    )
    async with serve_trainer(
        common, keys, sqlite_url, {"check_seconds": 2}, fields=FIELDS
    ) as trainer:
        found = faults(await upload(trainer, bytes_of(model), inputs=PRICE))
        # On a busy machine the clock runs out before the processor's time does.
        assert re.search("2 s of processor time|not done within 8 s", found["/model"])
        run = (await trainer.operator.get(f"{ROOT}/runs")).json()["runs"][0]
        assert (run["state"], run["detail"]) == ("failed", found["/model"])


@pytest.mark.thorough
async def test_a_model_whose_loop_follows_an_item_is_refused(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    body = helper.make_graph(
        [node("Identity", ["go"], ["still"]), node("Cos", ["value"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("turn", INT64, []),
            helper.make_tensor_value_info("go", 9, []),
            helper.make_tensor_value_info("value", FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", 9, []),
            helper.make_tensor_value_info("next", FLOAT, None),
        ],
    )
    nodes, constants = linear("last", [1.0])
    model = model_of(
        [
            node("ReduceMax", ["price"], ["highest"], keepdims=0),
            node("Cast", ["highest"], ["turns"], to=INT64),
            node("Loop", ["turns", "go", "price"], ["last"], body=body),
            *nodes,
        ],
        PRICES,
        constants={**constants, "go": np.array(True)},
    )
    async with serve_trainer(common, keys, sqlite_url, fields=FIELDS) as trainer:
        found = faults(await upload(trainer, bytes_of(model), inputs=PRICE))
        assert found["/model"].startswith("its Loop last goes round as often as an item's values")


async def test_an_upload_waits_its_turn_and_can_be_cancelled(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url, fields=FIELDS) as trainer:
        first = asyncio.create_task(upload(trainer, text_model()))

        async def running() -> Any:
            runs = (await trainer.operator.get(f"{ROOT}/runs")).json()["runs"]
            return next((run["run_id"] for run in runs if run["state"] == "running"), None)

        run_id = await wait_until(running)
        second = await upload(trainer, text_model())
        assert (second.status_code, second.json()["run_id"]) == (409, run_id)
        await trainer.operator.post(f"{ROOT}/runs/{run_id}/cancel")
        cancelled = await first
        assert (cancelled.status_code, cancelled.json()["run_id"]) == (409, run_id)
        assert (await trainer.operator.get(f"{ROOT}/versions")).json()["versions"] == []


@pytest.mark.thorough
async def test_an_upload_that_a_stop_cuts_off_leaves_nothing_behind(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url, fields=FIELDS) as trainer:
        cut = asyncio.create_task(upload(trainer, text_model()))

        async def begun() -> bool:
            assert not cut.done() or cut.result().status_code == 201, cut.result().text
            return bool((await trainer.operator.get(f"{ROOT}/runs")).json()["runs"])

        await wait_until(begun)
    with contextlib.suppress(httpx.HTTPError):
        await cut
    app = create_app(common, TrainerSettings(database_url=sqlite_url))
    async with serve(app) as base, client(base, keys.issue("operator", "op")) as operator:

        async def ended() -> bool:
            runs = (await operator.get(f"{ROOT}/runs")).json()["runs"]
            return all(run["state"] != "running" for run in runs)

        await wait_until(ended)
        versions = (await operator.get(f"{ROOT}/versions")).json()["versions"]
        folders = await Store(common.store_address).folders(f"{PROJECT}/versions")
        assert [version["version"] for version in versions] == folders


@pytest.mark.thorough
async def test_numbers_beside_one_another_and_real_items_of_the_pool(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    fields = {"width": {"type": "number"}, "height": {"type": "number"}}
    stacked = [an_input("float_input", ["width", "height"], shape=(-1, 2)).model_dump()]
    async with serve_trainer(common, keys, sqlite_url, fields=fields) as trainer:
        items = [
            {"item_id": f"i{i}", "data": {"text": "", "width": -i, "height": 1}} for i in range(3)
        ]
        await trainer.import_lines(*items)
        assert (await upload(trainer, number_model(), inputs=stacked)).status_code == 201
        log = bytes_of(
            model_of(
                [
                    node("Log", ["float_input"], ["two"]),
                    node("Softmax", ["two"], ["probabilities"]),
                ],
                {"float_input": (FLOAT, [None, 2])},
            )
        )
        found = faults(await upload(trainer, log, inputs=stacked))
        assert "its answer to item i" in found["/model"]
