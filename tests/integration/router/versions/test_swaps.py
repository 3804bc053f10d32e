"""Swaps under load: no call fails, and each answer is that of exactly one version."""

import asyncio
import itertools
import math
import random
from typing import Any

import pytest

from services.router.versions.registry import Versions
from shared.contracts.base import new_id
from shared.doorbells import Doorbells
from shared.settings import CommonSettings
from shared.store import model_path
from tests.harness import wait_until
from tests.harness.model_publisher import (
    SURE,
    Publisher,
    entry_of,
    number_graph,
    project_of,
    slow_graph,
)
from tests.integration.router.conftest import OpenRouter, ServedRouter
from tests.integration.router.versions.test_registry import GatedStore

SWAPS = 20
# Beyond float32: the model answers no finite number.
POISON = 1e39


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
    if score == POISON:
        assert prediction["probabilities"] is None
        assert (prediction["decision"], prediction["reason"]) == ("in_review", "model_invalid")
        return number
    positive = 1 / (1 + math.exp(-slope(number) * score))
    confidence = max(positive, 1 - positive)
    assert prediction["probabilities"]["positive"] == pytest.approx(positive, abs=1e-5)
    assert prediction["confidence"] == pytest.approx(confidence, abs=1e-5)
    if abs(confidence - threshold(number)) > 1e-4:
        sure = confidence > threshold(number)
        assert prediction["decision"] == ("answered" if sure else "in_review")
    return number


def drawn(draw: random.Random) -> list[tuple[str, float]]:
    """Items of one call, each with an id of its own; a tenth cannot be scored."""
    scores = [
        POISON if draw.random() < 0.1 else draw.uniform(-6, 6) for _ in range(draw.randint(1, 5))
    ]
    return [(new_id(), score) for score in scores]


async def call(
    served: ServedRouter, items: list[tuple[str, float]], patience: float | None
) -> int | None:
    """Return the version that scored `items`; None when the caller left before."""
    asked = ({"item_id": item_id, "data": {"score": score}} for item_id, score in items)
    try:
        async with asyncio.timeout(patience):
            response = await served.predict(*asked)
    except TimeoutError:
        return None
    assert response.status_code == 200, response.text
    predictions = response.json()["predictions"]
    assert [one["item_id"] for one in predictions] == [item_id for item_id, _ in items]
    (number,) = {check(one, score) for one, (_, score) in zip(predictions, items, strict=True)}
    return number


@pytest.mark.thorough
async def test_each_call_gets_its_own_answer_from_one_version_through_swaps_faults_and_leavers(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project()
    await publish(publisher, 1)
    stop = asyncio.Event()
    left = 0
    started: set[int] = set()

    async def calls(served: ServedRouter, draw: random.Random) -> list[int]:
        nonlocal left
        seen: list[int] = []
        last = False
        while not last:
            # One call more after the last swap: a call under way may be of the version before.
            last = stop.is_set()
            leaves = bool(seen) and not last and draw.random() < 0.25
            number = await call(served, drawn(draw), draw.random() / 100 if leaves else None)
            if number is None:
                left += 1
                continue
            seen.append(number)
            started.add(id(seen))
        return seen

    async with open_router(queue_url, poll_seconds=0.02) as served:
        callers = [asyncio.create_task(calls(served, random.Random(n))) for n in range(8)]
        await wait_until(lambda: len(started) == len(callers))
        for number in range(2, 2 + SWAPS):
            await publish(publisher, number)
            await served.serving(f"v{number}")
        stop.set()
        for seen in await asyncio.gather(*callers):
            assert seen == sorted(seen)
            assert (seen[0], seen[-1]) == (1, 1 + SWAPS)
        assert left


async def test_a_version_that_loads_slowly_leaves_the_old_one_serving(served: ServedRouter) -> None:
    # MLServer 1.7 makes a version the default before it is loaded, and refuses calls until it is.
    await served.publisher.publish("v2", slow_graph(rounds=0, always=30_000))

    async def named() -> bool:
        return bool((await served.model())["champion"] == "v2")

    await wait_until(named)

    async def swapped() -> bool:
        if (status := await served.model())["serving"] == "v2":
            return True
        assert (status["serving"], list(status["loaded"])) == ("v1", ["v1"])
        assert (await served.caller.get("/readyz")).status_code == 200
        prediction = await served.one(SURE)
        # It may have been loaded meanwhile.
        assert prediction["decision"] == "answered" or prediction["model_version"] == "v2"
        return False

    await wait_until(swapped)
    assert (await served.one(0.0))["model_version"] == "v2"


async def test_what_needs_no_model_does_not_wait_for_the_first(served: ServedRouter) -> None:
    names = (f"late-{number}" for number in itertools.count())

    async def is_told_before_it_is_loaded() -> bool:
        late = Publisher(served.publisher.store, project_of(next(names)))
        await late.put_project()
        await late.publish("v1", slow_graph(rounds=0, always=30_000))
        paths = {
            f"/v1/projects/{late.name}/items/a/outcome": 503,
            f"/v2/models/{late.name}": 503,
            f"/v2/models/{late.name}/ready": 503,
            f"/v2/models/{late.name}/versions/v7/ready": 404,
        }
        statuses = {path: (await served.caller.get(path)).status_code for path in paths}
        model = (await served.caller.get(f"/v1/projects/{late.name}/model")).json()
        found = (model["champion"], model["serving"], model["failures"])
        return statuses == paths and found == ("v1", None, {})

    # A busy machine may have loaded it before all were asked.
    await wait_until(is_told_before_it_is_loaded)


async def test_a_load_that_never_ends_changes_nothing(common: CommonSettings) -> None:
    store = GatedStore(common.store_address)
    publisher = Publisher(store)
    await publisher.put_project()
    await publish(publisher, 1)
    versions = Versions(store, Doorbells(""), poll_seconds=0.01, threads=1)
    async with versions.watching():
        first = await versions.serving("shop")
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
