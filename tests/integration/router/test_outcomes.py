"""Outcomes through the router, against the real review queue."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from services.review_queue.app import MIGRATIONS
from services.review_queue.app import create_app as create_review_queue
from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.contracts.base import task_id_for
from shared.db import Database
from shared.settings import CommonSettings
from tests.harness import client, serve
from tests.integration.router.conftest import Open, World
from tests.integration.router.factory import SURE, UNSURE, Publisher, project_of

SPEC = {"labels", "fields", "metadata", "promise"}


@pytest.fixture
async def real_queue(
    common: CommonSettings, sqlite_url: str, keys: Keys
) -> AsyncIterator[httpx.AsyncClient]:
    """A real review queue that has project `shop`, seen by an operator."""
    database = Database(sqlite_url)
    await database.migrate(MIGRATIONS)
    await database.dispose()
    app = create_review_queue(common, ReviewQueueSettings(database_url=sqlite_url))
    async with serve(app) as url, client(url, keys.issue("operator", "o")) as operator:
        spec = project_of().model_dump(mode="json", include=SPEC)
        created = await operator.put("/v1/projects/shop", json=spec)
        assert created.status_code == 201, created.text
        yield operator


@pytest.fixture
async def world(
    open_world: Open, publisher: Publisher, real_queue: httpx.AsyncClient
) -> AsyncIterator[World]:
    """A router with certified champion v1 in front of the real review queue."""
    await publisher.publish("v1")
    async with open_world(str(real_queue.base_url)) as opened:
        yield opened


async def outcome(world: World, item_id: str, wait_seconds: float = 0) -> dict[str, Any]:
    path = f"/v1/projects/shop/items/{quote(item_id, safe='')}/outcome"
    response = await world.caller.get(path, params={"wait_seconds": wait_seconds})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def review(world: World, operator: httpx.AsyncClient, label: str) -> None:
    """Lease one task and give a verdict."""
    token = world.keys.issue("reviewer", "r1")
    async with client(str(operator.base_url), token) as reviewer:
        leases = await reviewer.post("/v1/projects/shop/leases", json={"wait_seconds": 5})
        (lease,) = leases.json()["leases"]
        given = await reviewer.post(f"/v1/leases/{lease['token']}/verdict", json={"label": label})
        assert given.status_code == 200, given.text


@pytest.mark.parametrize("item_id", ["order-17", "a/b c?#%ü"])
async def test_an_item_goes_to_people_and_their_label_comes_back(
    world: World, real_queue: httpx.AsyncClient, item_id: str
) -> None:
    assert (await outcome(world, item_id))["status"] == "unknown"
    asked = await world.one(UNSURE, item_id)
    assert (asked["decision"], asked["task_id"]) == ("in_review", task_id_for("shop", item_id))
    waiting = await outcome(world, item_id)
    assert (waiting["status"], waiting["label"]) == ("in_review", None)
    await review(world, real_queue, "negative")
    resolved = await outcome(world, item_id)
    assert (resolved["status"], resolved["label"], resolved["source"]) == (
        "resolved",
        "negative",
        "human",
    )
    again = await world.one(UNSURE, item_id)
    assert (again["decision"], again["reason"], again["label"]) == ("answered", "human", "negative")


async def test_waiting_for_an_outcome_ends_with_the_verdict(
    world: World, real_queue: httpx.AsyncClient
) -> None:
    await world.one(UNSURE)
    started = asyncio.get_running_loop().time()
    waiting = asyncio.create_task(outcome(world, "a", wait_seconds=20))
    await review(world, real_queue, "positive")
    assert (await waiting)["label"] == "positive"
    assert asyncio.get_running_loop().time() - started < 5


async def test_waiting_ends_by_itself(world: World) -> None:
    await world.one(UNSURE)
    assert (await outcome(world, "a", wait_seconds=0.3))["status"] == "in_review"


async def test_a_retry_is_the_same_task_and_other_data_is_a_conflict(
    world: World, real_queue: httpx.AsyncClient
) -> None:
    first = await world.one(UNSURE)
    assert (await world.one(UNSURE))["task_id"] == first["task_id"]
    other = await world.predict({"item_id": "a", "data": {"score": 0.25}})
    assert other.status_code == 409
    assert [error["pointer"] for error in other.json()["errors"]] == ["/items/0"]
    listed = (await real_queue.get("/v1/projects/shop/tasks")).json()["tasks"]
    assert [task["item_id"] for task in listed] == ["a"]


async def test_an_audited_answer_waits_blind_in_the_audit_lane(
    world: World, real_queue: httpx.AsyncClient
) -> None:
    world.publisher.audit_rate = 1.0
    await world.publisher.put_promise()
    await world.serving_revision(world.publisher.revision)
    answered = await world.one(SURE)
    assert (answered["decision"], answered["audited"]) == ("answered", True)
    (task,) = (await real_queue.get("/v1/projects/shop/tasks")).json()["tasks"]
    assert (task["lane"], task["task_id"]) == ("audit", answered["task_id"])


async def test_with_the_queue_away_an_outcome_is_503(
    open_world: Open, publisher: Publisher, away_url: str
) -> None:
    await publisher.put_project()
    async with open_world(away_url) as world:
        response = await world.caller.get("/v1/projects/shop/items/b/outcome")
        assert response.status_code == 503
        assert "Retry-After" in response.headers


async def test_a_thousand_items_of_several_calls_become_a_thousand_tasks(
    world: World, real_queue: httpx.AsyncClient
) -> None:
    calls = [
        world.predict(*({"item_id": f"{c}-{n}", "data": {"score": UNSURE}} for n in range(100)))
        for c in range(10)
    ]
    for response in await asyncio.gather(*calls):
        assert {one["decision"] for one in response.json()["predictions"]} == {"in_review"}
    await world.drained()
    depth = (await real_queue.get("/v1/projects/shop/queue")).json()
    assert depth["open"] == 1000
