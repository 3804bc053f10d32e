"""A project's own encoder: uploaded, checked, trained on, removed."""

import asyncio
from typing import Any

import orjson
import pytest
from onnx import helper

from services.trainer.encoders import stored
from services.trainer.encoders.stored import Encoder
from services.trainer.uploads import encoder_service
from shared.auth import Keys
from shared.contracts.versions import Manifest
from shared.problems import Conflict
from shared.settings import CommonSettings
from shared.store import Store, encoder_folder, encoder_path, manifest_path, model_path, sha256
from tests.graphs import FLOAT, STRING, an_input, bytes_of, model_of, node, text_model
from tests.harness import wait_until
from tests.harness.served_trainer import ROOT, serve_trainer
from tests.harness.trainer_and_queue import PROJECT, TrainerAndQueue, run_trainer_and_queue
from tests.harness.trainer_parts import open_trainer_parts

MANIFEST: dict[str, Any] = {
    "inputs": [an_input("text", "text", "string").model_dump()],
    "outputs": {"vector": "vector"},
}
FIELDS = {"text": {"type": "text"}}
_TEXTS = 20


def encoder(length: float = 1.0) -> bytes:
    """From a text to two numbers: above 0 for "fine 7", below for "awful 7"."""
    nodes = [
        node(
            "LabelEncoder",
            ["text"],
            ["place"],
            domain="ai.onnx.ml",
            keys_strings=[f"{word} {n}" for word in ("fine", "awful") for n in range(_TEXTS)],
            values_floats=[length] * _TEXTS + [-length] * _TEXTS,
            default_float=0.0,
        ),
        node("Concat", ["place", "place"], ["vector"], axis=1),
    ]
    output = helper.make_tensor_value_info("vector", FLOAT, [None, 2])
    return bytes_of(model_of(nodes, {"text": (STRING, [None, 1])}, output=output))


def parts(model: bytes, manifest: dict[str, Any]) -> dict[str, Any]:
    return {"model": ("model.onnx", model), "manifest": (None, orjson.dumps(manifest).decode())}


async def test_an_encoder_is_checked_kept_replaced_and_removed(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url, fields=FIELDS) as trainer:
        path, store = f"{ROOT}/encoder", Store(common.store_address)
        assert (await trainer.operator.get(path)).status_code == 404

        async def put(model: bytes, **changes: Any) -> Any:
            return await trainer.operator.put(path, files=parts(model, MANIFEST | changes))

        for refused, changes, pointer, words in (
            (text_model(), {}, "/manifest/outputs/vector", "no output vector"),
            (encoder(), {"inputs": []}, "/manifest/inputs", "at least 1"),
            (encoder(), {"outputs": {"probabilities": "x"}}, "/manifest/outputs/", "vector"),
        ):
            response = await put(refused, **changes)
            assert response.status_code == 422, response.text
            fault = response.json()["errors"][0]
            assert fault["pointer"].startswith(pointer)
            assert words in fault["detail"]
        assert await store.read_document(encoder_path(PROJECT), Encoder) is None

        model = encoder(2.0)
        # The same file again is checked again.
        for _ in range(2):
            response = await put(model)
            assert response.status_code == 200, response.text
            kept = (await trainer.operator.get(path)).json()
            assert kept == response.json()
            assert (kept["sha256"], kept["width"]) == (sha256(model), 2)
            assert kept["file_name"] == "model.onnx"

        async def status(method: str, **headers: str) -> int:
            files = parts(encoder(), MANIFEST) if method == "PUT" else None
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            answer = await trainer.operator.request(method, path, files=files, headers=sent)
            return answer.status_code

        # Another encoder than the request expects stays.
        stale, held = f'"{sha256(encoder())}"', f'"{sha256(encoder(2.0))}"'
        assert await status("PUT", if_match=stale) == 409
        assert await status("PUT", if_none_match="*") == 409
        assert await status("DELETE", if_match=stale) == 409
        assert (await trainer.operator.get(path)).json() == kept
        # One quoted digest is a condition, and nothing else is.
        for other in ("*", f"{stale}, {held}", sha256(encoder(2.0)), '"1"', f"W/{held}"):
            assert await status("PUT", if_match=other) == 422
            assert await status("DELETE", if_match=other) == 422
        assert await status("PUT", if_match=held) == 200
        assert await status("DELETE", if_match=stale) == 204
        assert await status("DELETE", if_match=stale) == 409
        assert (await trainer.operator.delete(path)).status_code == 204
        assert (await trainer.operator.get(path)).status_code == 404
        assert await store.modified(encoder_folder(PROJECT)) == {}


async def test_an_encoder_that_comes_while_one_is_removed_stays(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        resources, project = parts.resources, parts.project
        old, new = (
            Encoder(
                inputs=MANIFEST["inputs"], outputs=MANIFEST["outputs"], sha256=sha256(body),
                width=2, size_bytes=len(body), uploaded_at=parts.clock.moment, uploaded_by="olga",
            )
            for body in (encoder(), encoder(2.0))
        )  # fmt: skip
        await stored.put(resources, PROJECT, old, encoder(), None)
        tag = (await stored.current_tagged(resources, PROJECT))[1]
        async with resources.changing_encoder:
            # It looks at nothing before its turn.
            terms = encoder_service.ReplaceCondition(old.sha256)
            removal = asyncio.create_task(encoder_service.remove(resources, project, terms))
            await asyncio.wait([removal], timeout=0.05)
            await stored.put(resources, PROJECT, new, encoder(2.0), tag)
        with pytest.raises(Conflict):
            await removal
        # At another trainer, which has looked before: it replaces only what it has seen.
        with pytest.raises(Conflict):
            await stored.put(resources, PROJECT, old, encoder(), tag)
        kept = await stored.current(resources, PROJECT)
        assert kept is not None
        assert kept.sha256 == new.sha256
        assert await stored.graph_of(resources, PROJECT, new) == encoder(2.0)


async def label(both: TrainerAndQueue) -> None:
    tasks = [
        {
            "item_id": f"i-{n}",
            "data": {"text": f"{('fine', 'awful', 'neither')[n % 3]} {n // 3}"},
            "lane": "mandatory",
        }
        for n in range(3 * _TEXTS)
    ]
    response = await both.queue.post(f"/v1/projects/{PROJECT}/tasks", json={"tasks": tasks})
    assert response.is_success, response.text
    both.answers = lambda data: "good" if "fine" in data["text"] else "bad"
    assert await both.answer_all() == 3 * _TEXTS


@pytest.mark.thorough
async def test_head_learns_on_the_encoder_and_the_version_is_one_graph(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        training = {"min_new_labels": 1_000_000, "recipe": "head"}
        await both.put_project(labels=["bad", "good"], fields=FIELDS, training=training)
        await label(both)
        files = parts(encoder(), MANIFEST)
        put = await both.trainer.put(f"/v1/projects/{PROJECT}/encoder", files=files)
        assert put.status_code == 200, put.text

        async def ended() -> Any:
            found = await both.get(f"runs/{run['run_id']}")
            return found if found["state"] in {"succeeded", "failed"} else None

        run = (await both.post("runs", {})).json()
        run = await wait_until(ended)
        assert run["state"] == "succeeded", run
        assert run["report"]["encoder_sha256"] == sha256(encoder())
        store = Store(common.store_address)
        manifest = await store.read_document(manifest_path(PROJECT, run["version"]), Manifest)
        assert manifest is not None
        assert (manifest.recipe, manifest.metrics["accuracy"] > 0.9) == ("head", True)
        assert [entry.name for entry in manifest.inputs] == ["text"]
        graph = await store.read(model_path(PROJECT, run["version"]))
        assert graph is not None
        # The file of the version holds the encoder's words too.
        assert b"awful 19" in graph
