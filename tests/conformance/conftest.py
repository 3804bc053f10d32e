"""A whole installation with something of everything in it, for requests that know what is there."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.harness import wait_until
from tests.harness.installation import Launched, launch
from tests.harness.trainer_and_queue import GOOD, review

PROJECT = "/v1/projects/shop"
SPEC = {
    "labels": ["negative", "positive"],
    "fields": {"text": {"type": "text"}},
    "metadata": ["channel"],
    "promise": {"target_accuracy": 0.8, "confidence": 0.9, "certification_labels": 40},
    "training": {"min_new_labels": 60},
}


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """All three services, with project `shop`: its pool, labels, a version, tasks and outcomes."""
    home: Path = tmp_path_factory.mktemp("conformance") / "home"
    with launch(home) as launched:
        asyncio.run(fill(launched))
        yield launched


async def fill(launched: Launched) -> None:
    """Put project `shop` into a new installation."""
    async with contextlib.AsyncExitStack() as stack:
        router, queue, trainer = [
            await stack.enter_async_context(launched.client(service, "operator"))
            for service in ("router", "review_queue", "trainer")
        ]
        _ok(await queue.put(PROJECT, json=SPEC))
        items = [{"item_id": f"item-{i}", "data": review(i)} for i in range(120)]
        pool = b"\n".join(map(orjson.dumps, items))
        headers = {"Content-Type": "application/x-ndjson"}
        _ok(await trainer.post(f"{PROJECT}/pool", content=pool, headers=headers))
        _ok(await trainer.post(f"{PROJECT}/pool/batches", json={"strategy": "random", "size": 60}))

        async def has_version() -> bool:
            await _answer(queue)
            return bool(_ok(await trainer.get(f"{PROJECT}/versions"))["versions"])

        await wait_until(has_version)
        more = [{"item_id": f"more-{i}", "data": review(i)} for i in range(200, 220)]
        _ok(await router.post(f"{PROJECT}/predict", json={"items": more}))


async def _answer(queue: httpx.AsyncClient) -> None:
    leases = _ok(await queue.post(f"{PROJECT}/leases", json={"count": 100}))["leases"]
    for lease in leases:
        good = any(word in lease["task"]["data"]["text"] for word in GOOD)
        body = {"label": "positive" if good else "negative"}
        _ok(await queue.post(f"/v1/leases/{lease['token']}/verdict", json=body))


def _ok(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json()
