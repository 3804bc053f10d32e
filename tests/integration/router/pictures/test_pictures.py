"""Pictures over HTTP, by every way in: within memory and time, whatever a small body asks for."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import httpx
import pytest

from services.router.pictures.opening import MAX_CALL_PIXELS
from services.router.settings import RouterSettings
from tests.graphs import an_input, image_model
from tests.harness.cases import further
from tests.harness.model_publisher import Publisher
from tests.integration.router.conftest import OpenRouter, ServedRouter
from tests.integration.router.oip import tensor
from tests.integration.router.predict.test_inputs import (
    BLACK,
    WHITE,
    of_photos,
    photos,
    predictions,
)
from tests.pictures import base64_of, encoded, png_of_size

CONFIG = """<View><Image name="shown" value="$photo"/><Choices name="mood" toName="shown">
<Choice value="positive"/><Choice value="negative"/></Choices></View>"""
HEADER_ONLY = base64_of(png_of_size(5_700, 5_700))


async def by_predict(served: ServedRouter, *images: str) -> httpx.Response:
    return await served.predict(*photos(*images))


async def by_infer(served: ServedRouter, *images: str) -> httpx.Response:
    body = {"inputs": [tensor("photo", "BYTES", [len(images)], list(images))]}
    return await served.caller.post("/v2/models/shop/infer", json=body)


async def by_label_studio(served: ServedRouter, *images: str) -> httpx.Response:
    tasks = [{"id": n, "data": {"photo": image}} for n, image in enumerate(images)]
    body = {"tasks": tasks, "label_config": CONFIG}
    return await served.caller.post("/label-studio/shop/predict", json=body)


@cache
def large(colour: tuple[int, int, int]) -> str:
    """A picture of one colour, which takes a turn by itself."""
    return encoded((1500, 1500), colour)


Ask = Callable[..., Awaitable[httpx.Response]]
WAYS_IN = pytest.mark.parametrize("ask", [by_predict, *further(by_infer, by_label_studio)])


def labels_of(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if "predictions" in body:
        return [one["label"] for one in body["predictions"]]
    if "outputs" in body:
        found: list[Any] = next(one["data"] for one in body["outputs"] if one["name"] == "label")
        return found
    return [one["result"] and one["result"][0]["value"]["choices"][0] for one in body["results"]]


@WAYS_IN
async def test_pictures_that_are_many_turns_are_answered_in_order(
    open_router: OpenRouter, publisher: Publisher, queue_url: str, ask: Ask
) -> None:
    await of_photos(publisher)
    white, black = large((255, 255, 255)), large((0, 0, 0))
    async with open_router(queue_url) as served:
        answer = await ask(served, white, black, BLACK, white, WHITE)
        assert labels_of(answer) == ["positive", "negative", "negative", "positive", "positive"]
        assert await served.metric("surehand_router_picture_bytes") == 0


@WAYS_IN
async def test_calls_whose_pictures_would_wait_too_long_are_refused(
    open_router: OpenRouter, publisher: Publisher, queue_url: str, ask: Ask
) -> None:
    await of_photos(publisher)
    white = large((255, 255, 255))
    async with open_router(queue_url, router=RouterSettings(max_wait_seconds=0.001)) as served:
        before = await served.metric("surehand_router_refused_total", cause="pictures")
        answers = await asyncio.gather(*(ask(served, white) for _ in range(12)))
        counted = Counter(answer.status_code for answer in answers)
        assert counted.keys() == {200, 503}
        for answer in answers:
            if answer.status_code == 503:
                assert "Too many items are waiting" in answer.text
                assert int(answer.headers["retry-after"]) >= 1
            else:
                assert labels_of(answer) == ["positive"]
        assert await served.metric("surehand_router_refused_total", cause="pictures") > before
        assert labels_of(await ask(served, white)) == ["positive"]


@WAYS_IN
async def test_calls_that_are_refused_for_their_pictures_take_nothing_from_the_rate(
    open_router: OpenRouter, publisher: Publisher, queue_url: str, ask: Ask
) -> None:
    await of_photos(publisher)
    white = large((255, 255, 255))
    settings = RouterSettings(max_wait_seconds=0.001, rate_limit=1)
    async with open_router(queue_url, router=settings) as served:
        answers = await asyncio.gather(*(ask(served, *[white] * 4) for _ in range(12)))
        answered = [answer for answer in answers if answer.status_code == 200]
        assert 0 < len(answered) < 12
        left = (await ask(served, WHITE)).headers["ratelimit"]
        items = int(re.fullmatch(r'"items";r=(\d+);t=\d+', left)[1])  # type: ignore[index]
        assert items >= 999 - 4 * len(answered)


async def test_every_photo_that_is_none_is_named_whoever_was_to_score_it(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await of_photos(publisher)
    entry = an_input("photo", "photo", shape=(-1, 3, 4, 4))
    await publisher.put_version("v2", image_model(), inputs=[entry])
    await publisher.put_champion("v1", challenger=("v2", 0.5))
    broken = base64_of(png_of_size(20, 20))
    async with open_router(queue_url) as served:
        response = await served.predict(*photos(*[broken, WHITE] * 8))
        assert response.status_code == 422
        pointers = [fault["pointer"] for fault in response.json()["errors"]]
        assert pointers == [f"/items/{2 * n}/data/photo" for n in range(8)]
        found = predictions(await served.predict(*photos(*[BLACK, WHITE] * 8)))
        assert [one["suggestion"] for one in found] == ["negative", "positive"] * 8


async def test_label_studios_tasks_share_the_pixels_of_a_call_and_each_is_told(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await of_photos(publisher)
    async with open_router(queue_url) as served:
        answer = await by_label_studio(served, *[HEADER_ONLY] * 5, WHITE, "no image")
        assert labels_of(answer) == [[]] * 5 + ["positive", []]
        errors = [one.get("error", "") for one in answer.json()["results"]]
        assert all("cannot be decoded" in error for error in errors[:4])
        assert f"more than {MAX_CALL_PIXELS} pixels: send smaller calls" in errors[4]
        assert errors[5:] == ["", "/data/photo must be base64 or a URL"]


async def test_label_studio_is_told_where_its_token_stands(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await of_photos(publisher)
    async with open_router(queue_url, router=RouterSettings(rate_limit=1)) as served:
        answer = await by_label_studio(served, WHITE, BLACK)
        assert answer.headers["ratelimit-policy"] == '"items";q=1000;w=1000'
        assert answer.headers["ratelimit"].startswith('"items";r=998;t=')
    async with open_router(queue_url) as served:
        assert "ratelimit" not in (await by_label_studio(served, WHITE)).headers
