"""Items that people were asked about before: an answer holds for its own data and labels alone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.auth import Keys
from shared.contracts.base import task_id_for
from shared.settings import CommonSettings
from tests.harness import free_port
from tests.harness.model_publisher import UNSURE, Publisher
from tests.harness.people import SPEC, People, open_people
from tests.integration.router.conftest import OpenRouter, ServedRouter

OTHER = UNSURE / 2
FAR = 60.0


@pytest.fixture
async def served(
    open_router: OpenRouter, publisher: Publisher, people: People
) -> AsyncIterator[ServedRouter]:
    await publisher.publish("v1")
    async with open_router(people.url) as opened:
        yield opened


def item(item_id: str, score: float) -> dict[str, Any]:
    return {"item_id": item_id, "data": {"score": score}}


async def resolved(served: ServedRouter, people: People, label: str = "negative") -> None:
    """Let people answer item `a`."""
    await served.one(UNSURE, "a")
    await people.answer("a", label)


def conflict_at(response: httpx.Response) -> list[str]:
    assert response.status_code == 409, response.text
    problem = response.json()
    assert problem["type"] == "urn:surehand:problem:item-conflict"
    return [error["pointer"] for error in problem["errors"]]


async def relabel_project(people: People, publisher: Publisher, *labels: str) -> None:
    """Give the project other labels; its model goes."""
    spec = publisher.project.model_dump(mode="json", include=SPEC) | {"labels": list(labels)}
    changed = await people.operator.put(
        "/v1/projects/shop", json=spec, params={"allow_label_removal": True}
    )
    assert changed.status_code == 200, changed.text


@pytest.mark.parametrize("review", ["auto", pytest.param("always", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("wait_seconds", [0, FAR])
async def test_other_data_under_a_resolved_id_is_a_conflict(
    served: ServedRouter, people: People, review: str, wait_seconds: float
) -> None:
    await resolved(served, people)
    asked = await served.predict(item("a", OTHER), review=review, wait_seconds=wait_seconds)
    assert conflict_at(asked) == ["/items/0"]
    same = await served.one(UNSURE, "a", review=review, wait_seconds=wait_seconds)
    assert (same["reason"], same["label"]) == ("human", "negative")


async def test_one_conflict_among_a_hundred_names_its_item_and_answers_none(
    served: ServedRouter, people: People
) -> None:
    await resolved(served, people)
    items = [item(f"item {n}", UNSURE) for n in range(99)]
    items.insert(50, item("a", OTHER))
    assert conflict_at(await served.predict(*items)) == ["/items/50"]
    # As with an open task: the same call without the conflict gets the neighbours' tasks.
    del items[50]
    assert (await served.predict(*items)).status_code == 200


async def test_inference_with_review_tells_of_other_data(
    served: ServedRouter, people: People
) -> None:
    await resolved(served, people)

    async def infer(score: float) -> httpx.Response:
        tensor = {"name": "score", "datatype": "FP32", "shape": [1, 1], "data": [score]}
        parameters = {"surehand_review": "always", "surehand_item_ids": ["a"]}
        body = {"inputs": [tensor], "parameters": parameters}
        return await served.caller.post("/v2/models/shop/infer", json=body)

    assert conflict_at(await infer(OTHER)) == ["/parameters/surehand_item_ids/0"]
    outputs = {one["name"]: one["data"] for one in (await infer(UNSURE)).json()["outputs"]}
    assert (outputs["label"], outputs["surehand_reason"]) == (["negative"], ["human"])


async def test_an_item_whose_label_has_gone_is_asked_anew(
    served: ServedRouter, people: People, publisher: Publisher
) -> None:
    await resolved(served, people, "negative")
    await relabel_project(people, publisher, "bad", "positive")
    await served.serving(None)
    for review in ("auto", "always"):
        asked = await served.one(UNSURE, "a", review=review)
        assert (asked["decision"], asked["task_id"]) == ("in_review", task_id_for("shop", "a"))
    assert (await served.outcome("a"))["status"] == "in_review"
    await people.answer("a", "bad")
    assert (await served.one(UNSURE, "a"))["label"] == "bad"


@pytest.mark.thorough
async def test_a_wait_behind_the_spool_is_not_answered_for_other_data(
    open_router: OpenRouter,
    publisher: Publisher,
    common: CommonSettings,
    keys: Keys,
    database_url: str,
) -> None:
    port = free_port()
    await publisher.publish("v1")
    async with open_router(f"http://127.0.0.1:{port}") as served:
        async with open_people(common, keys, database_url, port) as people:
            await resolved(served, people)
        # The queue is away: this task lies in the spool, and no receipt speaks of the conflict.
        asked = asyncio.create_task(served.predict(item("a", OTHER), wait_seconds=FAR))
        await served.spooled(1)
        assert (await served.outcome("a"))["status"] == "in_review"
        async with open_people(common, keys, database_url, port):
            assert conflict_at(await asked) == ["/items/0"]
            await served.drained()


async def test_an_outcome_keeps_the_digest_to_itself(served: ServedRouter, people: People) -> None:
    await resolved(served, people)
    found = await served.outcome("a")
    assert found["label"] == "negative"
    assert "data_digest" not in found
