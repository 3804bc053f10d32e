"""Sixty-four people at work at once, over HTTP, on one service process."""

import asyncio
from collections import Counter
from pathlib import Path

import aiohttp
import orjson
import pytest

from shared.auth import Keys
from shared.settings import CommonSettings
from tests.e2e.review_queue.test_kill import environment
from tests.harness import client, free_port, spawn
from tests.harness.databases import create_tables
from tests.harness.desk import PROJECT, body_of, entry

pytestmark = [pytest.mark.thorough, pytest.mark.alone]

REVIEWERS, TASKS, A_LEASE = 64, 5_000, 10


async def work(base_url: str, token: str) -> list[str]:
    """Answer tasks until none are left; return those that were answered, once for each time."""
    answered: list[str] = []
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(base_url, headers=headers) as http:
        while True:
            wanted = orjson.dumps({"count": A_LEASE, "wait_seconds": 1})
            async with http.post("/v1/projects/shop/leases", data=wanted) as got:
                assert got.status == 200, await got.text()
                leases = (await got.json())["leases"]
            if not leases:
                return answered
            for lease in leases:
                verdict = orjson.dumps({"label": "positive", "active_seconds": 1.5})
                path = f"/v1/leases/{lease['token']}/verdict"
                async with http.post(path, data=verdict) as given:
                    assert given.status == 200, await given.text()
                    answered.append((await given.json())["task_id"])


@pytest.mark.timeout(300)
async def test_sixty_four_reviewers_double_and_lose_nothing(
    common: CommonSettings, database_url: str, keys: Keys, home: Path
) -> None:
    await create_tables("review_queue", database_url)
    settings = environment(common, database_url)
    with spawn("review_queue", home, free_port(), health="/readyz", **settings) as running:
        async with client(running.base_url, keys.issue("operator", "o1")) as operator:
            spec = PROJECT | {"review": {"lease_seconds": 600}}
            body_of(await operator.put("/v1/projects/shop", json=spec), 201)
            for start in range(0, TASKS, 1000):
                batch = {"tasks": [entry(f"item-{start + n}") for n in range(1000)]}
                body_of(await operator.post("/v1/projects/shop/tasks", json=batch))
            crowd = [keys.issue("reviewer", f"r{number}") for number in range(REVIEWERS)]
            done = await asyncio.gather(*(work(running.base_url, token) for token in crowd))
            times = Counter(task_id for one in done for task_id in one)
            assert len(times) == TASKS
            assert set(times.values()) == {1}
            assert sum(bool(one) for one in done) == REVIEWERS
            rows, cursor = [], ""
            while page := body_of(
                await operator.get("/v1/projects/shop/outcomes", params={"after": cursor})
            ):
                if not page["outcomes"]:
                    break
                rows += page["outcomes"]
                cursor = page["cursor"]
            assert {row["task_id"] for row in rows} == set(times)
            assert len(rows) == TASKS
            assert {row["verdicts"] for row in rows} == {1}
