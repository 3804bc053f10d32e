"""Outcomes through the router, against the real review queue."""

import asyncio
from typing import Any

import httpx
import pytest

from shared.contracts.base import task_id_for
from tests.harness import wait_until
from tests.harness.model_publisher import SURE, UNSURE, Publisher
from tests.harness.people import People
from tests.integration.router.conftest import OpenRouter, ServedRouter


@pytest.mark.parametrize("item_id", ["order-17", "a/b c?#%ü"])
async def test_an_item_goes_to_people_and_their_label_comes_back(
    served: ServedRouter, people: People, item_id: str
) -> None:
    asked = await served.one(UNSURE, item_id)
    assert (asked["decision"], asked["task_id"]) == ("in_review", task_id_for("shop", item_id))
    waiting = await served.outcome(item_id)
    assert (waiting["status"], waiting["label"]) == ("in_review", None)
    await people.review("negative")
    resolved = await served.outcome(item_id)
    assert (resolved["status"], resolved["label"], resolved["source"]) == (
        "resolved",
        "negative",
        "human",
    )
    again = await served.one(UNSURE, item_id)
    assert (again["decision"], again["reason"], again["label"]) == ("answered", "human", "negative")


async def test_waiting_for_an_outcome_ends_with_the_verdict(
    served: ServedRouter, people: People
) -> None:
    await served.one(UNSURE)
    started = asyncio.get_running_loop().time()
    waiting = asyncio.create_task(served.outcome("a", wait_seconds=60))
    await people.review("positive")
    assert (await waiting)["label"] == "positive"
    assert asyncio.get_running_loop().time() - started < 50


async def test_waiting_ends_by_itself(served: ServedRouter) -> None:
    await served.one(UNSURE)
    assert (await served.outcome("a", wait_seconds=0.3))["status"] == "in_review"


async def test_a_retry_is_the_same_task_and_other_data_is_a_conflict(
    served: ServedRouter, people: People
) -> None:
    first = await served.one(UNSURE)
    # A queue that is slow to answer gets the task by way of the spool.
    await served.drained()
    assert (await served.one(UNSURE))["task_id"] == first["task_id"]

    async def refused() -> httpx.Response | None:
        answer = await served.predict({"item_id": "a", "data": {"score": 0.25}})
        return answer if answer.status_code == 409 else None

    other = await wait_until(refused)
    assert other is not None
    assert [error["pointer"] for error in other.json()["errors"]] == ["/items/0"]
    listed = (await people.operator.get("/v1/projects/shop/tasks")).json()["tasks"]
    assert [task["item_id"] for task in listed] == ["a"]


async def test_an_audited_answer_waits_blind_in_the_audit_lane(
    served: ServedRouter, people: People
) -> None:
    served.publisher.audit_rate = 1.0
    await served.publisher.put_promise()
    await served.serving_revision(served.publisher.revision)
    answered = await served.one(SURE)
    assert (answered["decision"], answered["audited"]) == ("answered", True)
    # Until it has reached the review queue it lies in the router's spool of audits.
    assert (await served.outcome(answered["item_id"]))["status"] == "in_review"

    async def arrived() -> list[dict[str, Any]]:
        return list((await people.operator.get("/v1/projects/shop/tasks")).json()["tasks"])

    (task,) = await wait_until(arrived)
    assert (task["lane"], task["task_id"]) == ("audit", answered["task_id"])


async def test_with_the_queue_away_an_outcome_is_503(
    open_router: OpenRouter, publisher: Publisher, away_url: str
) -> None:
    await publisher.put_project()
    async with open_router(away_url) as served:
        response = await served.caller.get("/v1/projects/shop/items/b/outcome")
        assert response.status_code == 503
        assert "Retry-After" in response.headers


@pytest.mark.thorough
async def test_a_thousand_items_of_several_calls_become_a_thousand_tasks(
    served: ServedRouter, people: People
) -> None:
    calls = [
        served.predict(*({"item_id": f"{c}-{n}", "data": {"score": UNSURE}} for n in range(100)))
        for c in range(10)
    ]
    for response in await asyncio.gather(*calls):
        assert {one["decision"] for one in response.json()["predictions"]} == {"in_review"}
    await served.drained()
    depth = (await people.operator.get("/v1/projects/shop/queue")).json()
    assert depth["open"] == 1000


async def erase(people: People, item_id: str) -> None:
    erased = await people.operator.delete(f"/v1/projects/shop/items/{item_id}")
    assert erased.status_code == 200, erased.text


async def test_an_erased_item_is_gone_and_its_id_is_refused(
    served: ServedRouter, people: People
) -> None:
    await served.one(UNSURE)
    await erase(people, "a")
    gone = await served.caller.get("/v1/projects/shop/items/a/outcome")
    assert gone.status_code == 410
    assert (gone.json()["type"], gone.json()["item_id"]) == (
        "urn:surehand:problem:item-erased",
        "a",
    )
    items = [{"item_id": name, "data": {"score": UNSURE}} for name in ("b", "a")]
    refused = await served.predict(*items)
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert (fault["pointer"], "erased" in fault["detail"]) == ("/items/1", True)


async def test_who_waits_for_an_item_is_told_at_once_that_it_was_erased(
    served: ServedRouter, people: People
) -> None:
    await served.one(UNSURE)
    path = "/v1/projects/shop/items/a/outcome"
    started = asyncio.get_running_loop().time()
    waiting = asyncio.create_task(served.caller.get(path, params={"wait_seconds": 60}))
    await served.waiters(1)
    await erase(people, "a")
    assert (await waiting).status_code == 410
    assert asyncio.get_running_loop().time() - started < 50
