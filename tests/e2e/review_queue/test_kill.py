"""The service as a process that is killed: what it acknowledged is there afterwards."""

import asyncio
import contextlib
from pathlib import Path

import httpx
import pytest

from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import client, free_port, spawn, wait_until
from tests.harness.databases import create_tables
from tests.harness.desk import PROJECT, Json, body_of, entry

pytestmark = pytest.mark.thorough


def environment(common: CommonSettings, database_url: str) -> dict[str, str]:
    return {
        "SUREHAND_REDIS_URL": common.redis_url,
        "SUREHAND_STORE_URL": common.store_url,
        "SUREHAND_REVIEW_QUEUE_DATABASE_URL": database_url,
    }


class Stream:
    """Posts and answers tasks until its connection breaks, and remembers what was acknowledged."""

    def __init__(self, base_url: str, keys: Keys) -> None:
        self.service = client(base_url, keys.issue("service", "tests"))
        self.reviewer = client(base_url, keys.issue("reviewer", "r1"))
        self.tasks: set[str] = set()
        self.verdicts: set[str] = set()
        self.held: Json = {}

    async def run(self) -> None:
        with contextlib.suppress(httpx.HTTPError):
            for number in range(100_000):
                await self._round(number)

    async def _round(self, number: int) -> None:
        batch = {"tasks": [entry(f"item-{number}-{part}") for part in range(3)]}
        posted = await self.service.post("/v1/projects/shop/tasks", json=batch)
        self.tasks |= {receipt["task_id"] for receipt in body_of(posted)["tasks"]}
        leased = await self.reviewer.post("/v1/projects/shop/leases", json={"count": 2})
        first, self.held = body_of(leased)["leases"]
        given = await self.reviewer.post(
            f"/v1/leases/{first['token']}/verdict", json={"label": "positive"}
        )
        self.verdicts.add(body_of(given)["task_id"])

    async def close(self) -> None:
        await self.service.aclose()
        await self.reviewer.aclose()


async def test_what_was_acknowledged_survives_sigkill(
    common: CommonSettings, database_url: str, keys: Keys, home: Path
) -> None:
    await create_tables("review_queue", database_url)
    port, settings = free_port(), environment(common, database_url)
    with spawn("review_queue", home, port, health="/readyz", **settings) as running:
        async with client(running.base_url, keys.issue("operator", "o1")) as operator:
            body_of(await operator.put("/v1/projects/shop", json=PROJECT), 201)
        stream = Stream(running.base_url, keys)
        streaming = asyncio.create_task(stream.run())
        await wait_until(lambda: len(stream.verdicts) >= 3)
        running.kill()
        await streaming
        await stream.close()
    with spawn("review_queue", home, port, health="/readyz", **settings) as running:
        stream.service = client(running.base_url, keys.issue("service", "tests"))
        stream.reviewer = client(running.base_url, keys.issue("reviewer", "r1"))
        feed = body_of(await stream.service.get("/v1/projects/shop/outcomes"))
        resolved = [row["task_id"] for row in feed["outcomes"]]
        assert len(resolved) == len(set(resolved))
        assert stream.verdicts <= set(resolved)
        listed = await stream.service.get("/v1/projects/shop/tasks", params={"limit": 1000})
        assert stream.tasks <= {row["task_id"] for row in body_of(listed)["tasks"]}
        # The lease outlives the process that gave it.
        held = await stream.reviewer.post(
            f"/v1/leases/{stream.held['token']}/verdict", json={"label": "positive"}
        )
        assert body_of(held)["state"] == "resolved"
        await stream.close()
        assert running.stop() in {0, -15}
