"""Calls that wait for people: router and review queue over HTTP, with Redis and without."""

import asyncio
import contextlib
import gzip
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY

from services.router.settings import RouterSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import free_port, wait_until
from tests.harness.model_publisher import SURE, UNSURE, Publisher
from tests.harness.people import People, open_people, resolve_at_once
from tests.integration.router.conftest import OpenRouter, ServedRouter

# As long as can be: what ends such a wait within the test's time is not its deadline.
FAR = 60.0


# How a wait learns of its end differs without doorbells: then truth is polled.
WITHOUT_REDIS_TOO = pytest.mark.parametrize(
    "common", ["redis", pytest.param("no redis", marks=pytest.mark.thorough)], indirect=True
)


@pytest.fixture
def common(common: CommonSettings, request: pytest.FixtureRequest) -> CommonSettings:
    """Settings with doorbells, unless the test is `WITHOUT_REDIS_TOO`."""
    has_redis = getattr(request, "param", "redis") == "redis"
    return common if has_redis else common.model_copy(update={"redis_url": ""})


def unsure(*item_ids: str) -> list[dict[str, Any]]:
    return [{"item_id": item_id, "data": {"score": UNSURE}} for item_id in item_ids]


async def predictions(
    served: ServedRouter, *items: dict[str, Any], **body: Any
) -> list[dict[str, Any]]:
    answer = await served.predict(*items, **body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


def said(prediction: dict[str, Any]) -> tuple[str, str, str | None]:
    return prediction["decision"], prediction["reason"], prediction["label"]


async def handed_off(people: People, number: int) -> None:
    async def are() -> bool:
        listed = await people.operator.get("/v1/projects/shop/tasks", params={"limit": 1000})
        return len(listed.json()["tasks"]) == number

    await wait_until(are)


@WITHOUT_REDIS_TOO
async def test_a_verdict_in_time_answers_the_call_that_waits(
    served: ServedRouter, people: People
) -> None:
    waiting = asyncio.create_task(served.one(UNSURE, wait_seconds=FAR))
    await people.review("negative")
    answered = await waiting
    assert said(answered) == ("answered", "human", "negative")
    assert answered["suggestion"] == "positive"
    assert (await served.outcome())["label"] == "negative"
    await served.waiters(0)


async def test_the_decision_log_says_what_was_answered(
    served: ServedRouter, people: People
) -> None:
    waiting = asyncio.create_task(served.one(UNSURE, wait_seconds=FAR))
    await people.review("negative")
    answered = await waiting
    store = served.publisher.store

    async def logged() -> list[Any]:
        bodies = [await store.read(path) for path in await store.files("shop/decisions")]
        return [orjson.loads(gzip.decompress(body)) for body in bodies if body is not None]

    (row,) = await wait_until(logged)
    assert answered.items() <= row.items()


@pytest.mark.thorough
@WITHOUT_REDIS_TOO
async def test_a_verdict_at_another_replica_of_the_queue_ends_the_wait(
    served: ServedRouter, people: People, common: CommonSettings, keys: Keys, database_url: str
) -> None:
    async with open_people(common, keys, database_url) as elsewhere:
        asked = asyncio.create_task(served.one(UNSURE, wait_seconds=FAR))
        await handed_off(people, 1)
        looking = asyncio.create_task(served.outcome(wait_seconds=FAR))
        await served.waiters(2)
        await elsewhere.answer("a", "negative")
        assert said(await asked) == ("answered", "human", "negative")
        assert (await looking)["status"] == "resolved"


async def test_entries_of_one_call_wait_together(served: ServedRouter, people: People) -> None:
    await predictions(served, *unsure("old"))
    await people.answer("old", "negative")
    items = [*unsure("old", "new"), {"item_id": "sure", "data": {"score": SURE}}]
    waiting = asyncio.create_task(predictions(served, *items, wait_seconds=FAR))
    await handed_off(people, 2)
    await people.answer("new", "positive")
    assert [said(one) for one in await waiting] == [
        ("answered", "human", "negative"),
        ("answered", "human", "positive"),
        ("answered", "confident", "positive"),
    ]


async def test_what_is_not_resolved_in_time_is_told_as_it_stands(
    served: ServedRouter, people: People
) -> None:
    # Longer each time, until the verdict comes while the call waits.
    for attempt, seconds in enumerate((1, 4, 16, 50), start=1):
        items = unsure(f"a{attempt}", f"b{attempt}")
        waiting = asyncio.create_task(predictions(served, *items, wait_seconds=seconds))
        await handed_off(people, 2 * attempt)
        await people.answer(f"b{attempt}", "positive")
        first, second = map(said, await waiting)
        assert first == ("in_review", "below_threshold", None)
        if second != first:
            break
    assert second == ("answered", "human", "positive")
    assert (await served.outcome(f"a{attempt}", wait_seconds=0.1))["status"] == "in_review"
    await served.waiters(0)


async def test_answered_and_declined_entries_wait_for_nobody(served: ServedRouter) -> None:
    assert (await served.one(SURE, wait_seconds=FAR))["decision"] == "answered"
    assert (await served.one(UNSURE, review="never", wait_seconds=FAR))["decision"] == "declined"


async def test_an_item_that_nobody_could_answer_ends_the_wait(
    served: ServedRouter, people: People
) -> None:
    asked = asyncio.create_task(served.one(UNSURE, wait_seconds=FAR))
    await handed_off(people, 1)
    looking = asyncio.create_task(served.outcome(wait_seconds=FAR))
    await people.give_up()
    assert said(await asked) == ("in_review", "below_threshold", None)
    given_up = await looking
    assert (given_up["status"], given_up["label"]) == ("resolved", None)


@WITHOUT_REDIS_TOO
async def test_an_item_unknown_at_first_is_waited_for(served: ServedRouter, people: People) -> None:
    resolved = asyncio.create_task(served.outcome("a", wait_seconds=FAR))
    left_open = asyncio.create_task(served.outcome("b", wait_seconds=5))
    await served.waiters(2)
    await predictions(served, *unsure("a", "b"))
    await people.answer("a", "negative")
    assert (await resolved)["label"] == "negative"
    assert (await left_open)["status"] == "in_review"


async def test_beyond_the_limit_calls_are_answered_at_once(
    open_router: OpenRouter, publisher: Publisher, people: People
) -> None:
    await publisher.publish("v1")
    async with open_router(people.url, router=RouterSettings(max_waiters=2)) as served:
        waiting = asyncio.create_task(predictions(served, *unsure("a", "b"), wait_seconds=FAR))
        await handed_off(people, 2)
        assert (await served.one(UNSURE, "c", wait_seconds=FAR))["decision"] == "in_review"
        assert (await served.outcome("a", wait_seconds=FAR))["status"] == "in_review"
        for item_id in ("a", "b"):
            await people.answer(item_id, "negative")
        assert [one["decision"] for one in await waiting] == ["answered", "answered"]


async def test_a_caller_that_leaves_leaves_nothing_behind(
    served: ServedRouter, people: People
) -> None:
    asked = [asyncio.create_task(served.one(UNSURE, str(n), wait_seconds=FAR)) for n in range(5)]
    looking = [asyncio.create_task(served.outcome("0", wait_seconds=FAR)) for _ in range(5)]
    await served.waiters(10)
    await handed_off(people, 5)
    for task in [*asked[1:], *looking[1:]]:
        task.cancel()
    await served.waiters(2)
    await people.answer("0", "negative")
    assert said(await asked[0]) == ("answered", "human", "negative")
    assert (await looking[0])["label"] == "negative"
    await served.waiters(0)


class Raw:
    """A caller with as many connections as it takes, each for one call."""

    def __init__(self, served: ServedRouter) -> None:
        self.port = served.caller.base_url.port
        self.token = served.caller.headers["authorization"]

    async def call(self, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = f"{method} {path} HTTP/1.1\r\nHost: router\r\nAuthorization: {self.token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200 "), answer[:500]
        found: dict[str, Any] = orjson.loads(answer.partition(b"\r\n\r\n")[2])
        return found

    async def predict(self, item_id: str) -> str | None:
        body = orjson.dumps({"items": unsure(item_id), "wait_seconds": FAR})
        answer = await self.call("POST", "/v1/projects/shop/predict", body)
        label: str | None = answer["predictions"][0]["label"]
        return label

    async def outcome(self, item_id: str) -> str | None:
        path = f"/v1/projects/shop/items/{item_id}/outcome?wait_seconds={FAR}"
        label: str | None = (await self.call("GET", path))["label"]
        return label


def requests_to_the_queue() -> float:
    labels = {"service": "review_queue", "status": "200"}
    return REGISTRY.get_sample_value("surehand_http_requests_total", labels) or 0.0


@pytest.mark.thorough
@WITHOUT_REDIS_TOO
async def test_hundreds_of_waiters_are_told_of_one_burst_in_few_requests(
    served: ServedRouter, people: People, database_url: str
) -> None:
    raw = Raw(served)
    item_ids = [str(n) for n in range(200)]
    waiting = [asyncio.create_task(raw.predict(item_id)) for item_id in item_ids]
    waiting += [asyncio.create_task(raw.outcome(item_id)) for item_id in item_ids]
    await wait_until(lambda: REGISTRY.get_sample_value("surehand_router_waiters") == 400)
    await handed_off(people, 200)
    before = requests_to_the_queue()
    await resolve_at_once(database_url, item_ids, "negative")
    assert set(await asyncio.gather(*waiting)) == {"negative"}
    assert requests_to_the_queue() - before < 100
    await served.waiters(0)


@WITHOUT_REDIS_TOO
async def test_a_wait_outlasts_the_queue(
    open_router: OpenRouter,
    publisher: Publisher,
    common: CommonSettings,
    keys: Keys,
    database_url: str,
) -> None:
    port = free_port()
    await publisher.publish("v1")
    async with contextlib.AsyncExitStack() as stack:
        async with open_people(common, keys, database_url, port) as people:
            served = await stack.enter_async_context(open_router(people.url))
            asked = asyncio.create_task(served.one(UNSURE, "a", wait_seconds=FAR))
            await handed_off(people, 1)
        # Asked while the queue is away: its task lies in the spool.
        meanwhile = asyncio.create_task(served.one(UNSURE, "b", wait_seconds=FAR))
        await served.waiters(2)
        async with open_people(common, keys, database_url, port) as people:
            await people.answer("a", "negative")
            await handed_off(people, 2)
            await people.answer("b", "positive")
            assert said(await asked) == ("answered", "human", "negative")
            assert said(await meanwhile) == ("answered", "human", "positive")


@pytest.mark.thorough
@WITHOUT_REDIS_TOO
async def test_what_was_resolved_before_the_queue_went_away_is_learnt_when_it_is_back(
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
            await predictions(served, *unsure("a", "b"))
            await people.answer("a", "negative")
        waiting = asyncio.create_task(predictions(served, *unsure("a"), wait_seconds=FAR))
        await served.waiters(1)
        async with open_people(common, keys, database_url, port):
            (answered,) = await waiting
            assert said(answered) == ("answered", "human", "negative")


async def test_a_queue_that_is_away_at_the_end_of_the_wait_is_no_answer(
    open_router: OpenRouter,
    publisher: Publisher,
    common: CommonSettings,
    keys: Keys,
    database_url: str,
) -> None:
    await publisher.publish("v1")
    async with contextlib.AsyncExitStack() as stack:
        async with open_people(common, keys, database_url) as people:
            served = await stack.enter_async_context(open_router(people.url))
            await predictions(served, *unsure("a"))
            path = "/v1/projects/shop/items/a/outcome"
            looking = asyncio.create_task(served.caller.get(path, params={"wait_seconds": 8}))
            await served.waiters(1)
        assert (await looking).status_code == 503
