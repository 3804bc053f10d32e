"""A service that stops while people and services wait: each gets an answer, as things stand."""

import asyncio
import contextlib

from services.review_queue.app import create_app
from services.review_queue.lifecycle.claims import ClaimService
from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.doorbells import Doorbells
from shared.settings import CommonSettings
from tests.harness import client, serve, wait_until
from tests.harness.desk import PROJECT, body_of, entry


def waiting(bells: Doorbells) -> int:
    """How many wait for news of the project; loops wait for those of all projects."""
    return sum(len(events) for bell, events in bells._waiters.items() if bell.endswith(".shop"))


async def test_long_polls_end_when_the_service_stops(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys
) -> None:
    # Nothing rings and nobody polls: nothing but the stop can end these waits within the grace.
    app = create_app(common.model_copy(update={"poll_seconds": 60.0}), settings)
    async with contextlib.AsyncExitStack() as stack:
        async with serve(app) as url:
            http = await stack.enter_async_context(client(url, keys.issue("operator", "o")))
            shop = "/v1/projects/shop"
            body_of(await http.put(shop, json=PROJECT), 201)
            body_of(await http.post(f"{shop}/tasks", json={"tasks": [entry("a")]}))
            body_of(await http.post(f"{shop}/leases"))
            long = {"wait_seconds": 60}
            waits = [
                asyncio.create_task(http.post(f"{shop}/leases", json=long)),
                asyncio.create_task(http.get(f"{shop}/outcomes", params=long)),
                asyncio.create_task(http.get(f"{shop}/outcomes/a", params=long)),
            ]
            bells = app.state.services[ClaimService].bells
            await wait_until(lambda: waiting(bells) == len(waits))
        leases, feed, item = [body_of(answer) for answer in await asyncio.gather(*waits)]
    assert leases == {"leases": []}
    assert feed["outcomes"] == []
    assert item["status"] == "in_review"
