"""A router with too much to do says so: at once, with a time, and without spoiling what it took."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson

from services.router.settings import RouterSettings
from tests.harness import client
from tests.harness.model_publisher import SURE, UNSURE, Publisher
from tests.integration.router.conftest import OpenRouter, ServedRouter

CALL = 1000
PREDICT = "/v1/projects/shop/predict"


def items(prefix: str, count: int, score: float = SURE) -> list[dict[str, Any]]:
    return [{"item_id": f"{prefix}-{n}", "data": {"score": score}} for n in range(count)]


async def test_calls_for_which_there_is_no_room_are_refused_and_the_others_answered(
    open_router: OpenRouter, publisher: Publisher, away_url: str
) -> None:
    await publisher.put_project()
    await publisher.publish("v1")
    async with open_router(away_url, router=RouterSettings(max_items=CALL)) as served:
        await served.serving("v1")
        before = await refused(served, "overloaded")
        answers = await asyncio.gather(*(served.predict(*items(str(n), CALL)) for n in range(20)))
        counted = Counter(answer.status_code for answer in answers)
        assert counted.keys() == {200, 503}
        for answer in answers:
            if answer.status_code == 503:
                assert answer.json()["type"] == "urn:surehand:problem:overloaded"
                assert int(answer.headers["retry-after"]) >= 1
            else:
                assert len(answer.json()["predictions"]) == CALL
        assert await refused(served, "overloaded") == before + counted[503]
        assert (await served.one(SURE))["decision"] == "answered"


async def refused(served: ServedRouter, cause: str) -> float:
    name = f'surehand_router_refused_total{{cause="{cause}"}}'
    lines = (await served.caller.get("/metrics")).text.splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def test_a_token_gets_its_rate_and_no_more(
    open_router: OpenRouter, publisher: Publisher, away_url: str
) -> None:
    await publisher.put_project()
    await publisher.publish("v1")
    async with open_router(away_url, router=RouterSettings(rate_limit=1)) as served:
        await served.serving("v1")
        answer = await served.predict(*items("a", 600))
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"items";q=1000;w=1000'
        assert answer.headers["ratelimit"].startswith('"items";r=4')
        # A body without a length goes through the framework.
        body = orjson.dumps({"items": items("b", 300)})
        framed = await served.caller.post(
            PREDICT, content=in_pieces(body), headers={"Content-Type": "application/json"}
        )
        assert framed.status_code == 200
        assert framed.headers["ratelimit"].startswith('"items";r=1')
        refusal = await served.predict(*items("c", 200))
        assert refusal.status_code == 429
        assert refusal.json()["type"] == "urn:surehand:problem:too-many-requests"
        assert 0 < int(refusal.headers["retry-after"]) <= 100
        assert refusal.headers["ratelimit-policy"] == '"items";q=1000;w=1000'
        assert (await served.predict(*items("d", 100))).status_code == 200
        base_url = str(served.caller.base_url)
        async with client(base_url, served.keys.issue("caller", "tests")) as other:
            assert (await other.post(PREDICT, json={"items": items("e", 1000)})).status_code == 200


async def test_a_call_that_is_wrong_takes_nothing_from_the_rate(
    open_router: OpenRouter, publisher: Publisher, away_url: str
) -> None:
    await publisher.put_project()
    await publisher.publish("v1")
    async with open_router(away_url, router=RouterSettings(rate_limit=1)) as served:
        await served.serving("v1")
        wrong = [{"item_id": str(n), "data": {"score": "high"}} for n in range(900)]
        assert (await served.predict(*wrong)).status_code == 422
        assert (await served.predict(*items("a", 1000))).status_code == 200


async def test_without_a_limit_no_header_speaks_of_one(served: ServedRouter) -> None:
    answer = await served.predict(*items("a", 1))
    assert not {"ratelimit", "ratelimit-policy"} & answer.headers.keys()


async def test_a_full_spool_promises_nothing_more(
    open_router: OpenRouter, publisher: Publisher, away_url: str
) -> None:
    await publisher.put_project(
        publisher.project.model_copy(update={"metadata": [f"key_{n}" for n in range(20)]})
    )
    await publisher.publish("v1")

    def bulky(prefix: str) -> list[dict[str, Any]]:
        metadata = {f"key_{n}": "x" * 1000 for n in range(20)}
        return [item | {"metadata": metadata} for item in items(prefix, 20, UNSURE)]

    settings = RouterSettings(spool_limit_bytes=1024 * 1024)
    async with open_router(away_url, router=settings) as served:
        await served.serving("v1")
        answers: list[httpx.Response] = []
        while not answers or answers[-1].status_code == 200:
            answers.append(await served.predict(*bulky(str(len(answers)))))
        assert len(answers) > 1
        assert answers[-1].status_code == 503
        assert answers[-1].json()["type"] == "urn:surehand:problem:spool-full"
        assert "retry-after" in answers[-1].headers
        # What needs nobody goes on.
        assert (await served.one(SURE))["decision"] == "answered"
