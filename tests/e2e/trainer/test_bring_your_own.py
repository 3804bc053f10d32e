"""Somebody's own image model, from its upload to answers under a promise."""

from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from PIL import Image

from services.router.app import create_app
from services.router.settings import RouterSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.graphs import an_input, image_model
from tests.harness import client, serve, wait_until
from tests.harness.trainer_and_queue import PROJECT, TrainerAndQueue, run_trainer_and_queue
from tests.pictures import base64_of, file_of

pytestmark = pytest.mark.thorough

MANIFEST = {
    "inputs": [an_input("photo", "photo", shape=(-1, 3, 4, 4)).model_dump()],
    "outputs": {"probabilities": "probabilities"},
}
KINDS = ("PNG", "JPEG", "WEBP")


def photo(number: int) -> str:
    """A picture that is bright when its number is odd."""
    level = (230 if number % 2 else 25) + number % 7
    pixels = np.random.default_rng(number).integers(level - 20, level + 19, (9, 11, 3))
    return base64_of(file_of(Image.fromarray(pixels.astype(np.uint8)), KINDS[number % 3]))


def items(start: int, stop: int) -> list[dict[str, Any]]:
    return [{"item_id": f"photo-{i}", "data": {"photo": photo(i)}} for i in range(start, stop)]


async def predict(router: httpx.AsyncClient, start: int, stop: int) -> list[dict[str, Any]]:
    body = {"items": items(start, stop)}
    response = await router.post(f"/v1/projects/{PROJECT}/predict", json=body)
    assert response.status_code == 200, response.text
    predictions: list[dict[str, Any]] = response.json()["predictions"]
    return predictions


async def upload(both: TrainerAndQueue) -> httpx.Response:
    files: dict[str, Any] = {
        "model": ("model.onnx", image_model()),
        "manifest": (None, orjson.dumps(MANIFEST).decode()),
    }
    return await both.trainer.post(f"/v1/projects/{PROJECT}/versions", files=files)


def label(number: int) -> str:
    return "positive" if number % 2 else "negative"


SPEC = {
    "fields": {"photo": {"type": "image"}},
    "labels": ["negative", "positive"],
    "promise": {
        "target_accuracy": 0.8,
        "confidence": 0.9,
        "certification_labels": 40,
        "min_population_span_seconds": 0,
    },
    # No recipe learns from photos, so no training is to use their labels up.
    "training": {"min_new_labels": 10**9},
}


async def test_an_own_image_model_serves_is_certified_on_traffic_and_answers(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    truth = {photo(i): label(i) for i in range(62)}
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        both.answers = lambda data: truth[data["photo"]]
        response = await both.queue.put(f"/v1/projects/{PROJECT}", json=SPEC)
        assert response.is_success, response.text
        app = create_app(both.common, RouterSettings())
        token = keys.issue("caller", "camera")
        async with serve(app) as base, client(base, token) as router:
            assert {one["reason"] for one in await predict(router, 0, 2)} == {"no_model"}
            response = await upload(both)
            assert response.status_code == 201, response.text

            async def serving() -> bool:
                status = (await router.get(f"/v1/projects/{PROJECT}/model")).json()
                assert status["failures"] == {}
                return bool(status["serving"] == "v1")

            await wait_until(serving)
            waiting = await predict(router, 2, 62)
            assert {one["reason"] for one in waiting} == {"uncertified"}
            assert [one["suggestion"] for one in waiting] == [label(i) for i in range(2, 62)]

            view = await both.certificate("certified", answering=True)
            assert view["population"]["kind"] == "traffic"

            async def answered() -> list[dict[str, Any]]:
                found = await predict(router, 100, 160)
                return [one for one in found if one["decision"] == "answered"]

            for one in await wait_until(answered):
                assert one["label"] == label(int(one["item_id"].removeprefix("photo-")))
