"""Swaps under load: no call fails, and each answer is that of exactly one version."""

import asyncio
import math
import random
from typing import Any

import pytest

from services.router.versions.registry import Versions
from shared.doorbells import Doorbells
from shared.settings import CommonSettings
from shared.store import model_path
from tests.harness import wait_until
from tests.integration.router.conftest import Open, World
from tests.integration.router.factory import (
    SURE,
    Publisher,
    entry_of,
    number_graph,
    slow_graph,
)
from tests.integration.router.test_registry import GatedStore

SWAPS = 20


def slope(number: int) -> float:
    """Slope of version `number`: it tells the version from the probabilities."""
    return 1 + number / 8


def threshold(number: int) -> float:
    """Threshold of version `number`: what one answers, the next may not."""
    return 0.999 if number % 2 else 0.9


async def publish(publisher: Publisher, number: int) -> None:
    """Publish version `number`, certified at its own threshold."""
    await publisher.publish(
        f"v{number}",
        number_graph(slope(number)),
        entry=lambda digest: entry_of(publisher.project, digest, threshold=threshold(number)),
    )


def check(prediction: dict[str, Any], score: float) -> int:
    """Check that one version scored and decided; return its number."""
    number = int(prediction["model_version"].removeprefix("v"))
    positive = 1 / (1 + math.exp(-slope(number) * score))
    confidence = max(positive, 1 - positive)
    assert prediction["probabilities"]["positive"] == pytest.approx(positive, abs=1e-5)
    assert prediction["confidence"] == pytest.approx(confidence, abs=1e-5)
    if abs(confidence - threshold(number)) > 1e-4:
        sure = confidence > threshold(number)
        assert prediction["decision"] == ("answered" if sure else "in_review")
    return number


async def test_no_call_fails_through_many_swaps_and_each_answer_is_of_one_version(
    open_world: Open, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project()
    await publish(publisher, 1)
    stop = asyncio.Event()
    started: set[int] = set()

    async def call(world: World, draw: random.Random) -> list[int]:
        seen: list[int] = []
        last = False
        while not last:
            # One call more after the last swap: a call under way may be of the version before.
            last = stop.is_set()
            scores = [draw.uniform(-6, 6) for _ in range(draw.randint(1, 5))]
            response = await world.predict(*({"data": {"score": score}} for score in scores))
            assert response.status_code == 200, response.text
            answered = zip(response.json()["predictions"], scores, strict=True)
            (number,) = {check(prediction, score) for prediction, score in answered}
            seen.append(number)
            started.add(id(seen))
        return seen

    async with open_world(queue_url, poll_seconds=0.02) as world:
        callers = [asyncio.create_task(call(world, random.Random(n))) for n in range(4)]
        await wait_until(lambda: len(started) == len(callers))
        for number in range(2, 2 + SWAPS):
            await publish(publisher, number)
            await world.serving(f"v{number}")
        stop.set()
        for seen in await asyncio.gather(*callers):
            assert seen == sorted(seen)
            assert (seen[0], seen[-1]) == (1, 1 + SWAPS)


async def test_a_version_that_loads_slowly_leaves_the_old_one_serving(world: World) -> None:
    # MLServer 1.7 makes a version the default before it is loaded, and refuses calls until it is.
    await world.publisher.publish("v2", slow_graph(always=200_000))

    async def named() -> bool:
        return bool((await world.model())["champion"] == "v2")

    await wait_until(named)
    seen = set()
    while (status := await world.model())["serving"] != "v2":
        assert (status["serving"], list(status["loaded"])) == ("v1", ["v1"])
        assert (await world.caller.get("/readyz")).status_code == 200
        prediction = await world.one(SURE)
        seen.add((prediction["decision"], prediction["model_version"]))
    assert seen & {("answered", "v1")}
    assert (await world.one(0.0))["model_version"] == "v2"


async def test_a_load_that_never_ends_changes_nothing(common: CommonSettings) -> None:
    store = GatedStore(common.store_address)
    publisher = Publisher(store)
    await publisher.put_project()
    await publish(publisher, 1)
    versions = Versions(store, Doorbells(""), poll_seconds=0.01, threads=1)
    async with versions.watching():
        first = await versions.view("shop")
        store.hold(model_path("shop", "v2"))
        await publish(publisher, 2)
        await wait_until(lambda: model_path("shop", "v2") in store.held)
        view = await versions.view("shop")
        assert view.documents.channels.champion == "v2"
        assert view.serving is not None
        assert view.serving is first.serving
        (score,) = await view.serving.batcher.score([{"score": SURE}])
        assert score is not None
        assert (versions.missing(), view.failures) == ({}, {})
        # A third version does not wait for the second.
        await publish(publisher, 3)
        await wait_until(lambda: "v3" in versions.known()["shop"].loaded)
        store.let_go(model_path("shop", "v2"))
