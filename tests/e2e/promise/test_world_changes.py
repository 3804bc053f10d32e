"""The traffic changes under a certificate: the installation stops, learns and resumes by itself."""

import json
import random
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import wait_until
from tests.harness.installation import Launched, launch, trains_none

PROJECT = "/v1/projects/shop"
SPEC = {
    "labels": ["bad", "good"],
    "fields": {"text": {"type": "text"}},
    "promise": {
        "target_accuracy": 0.9,
        "confidence": 0.95,
        "certification_labels": 80,
        "audit_rate": 0.2,
        "min_population_span_seconds": 0,
    },
    "training": {"min_new_labels": 100},
}
WORDS = {"good": ["lovely", "fine", "great", "superb"], "bad": ["broken", "awful", "late", "poor"]}
THINGS = ["lamp", "kettle", "chair", "watch", "jacket"]
OTHER = {"good": "bad", "bad": "good"}


def side_of(number: int) -> str:
    return random.Random(number).choice(["good", "bad"])


def item(number: int) -> dict[str, Any]:
    choose = random.Random(f"words {number}")
    words = [*choose.choices(WORDS[side_of(number)], k=3), *choose.choices(THINGS, k=3)]
    return {"item_id": str(number), "data": {"text": " ".join([*words, str(number)])}}


@dataclass
class World:
    """Traffic and its reviewers; from item `flips_at` on people mean the opposite by each text."""

    router: httpx.AsyncClient
    queue: httpx.AsyncClient
    trainer: httpx.AsyncClient
    flips_at: float = float("inf")
    sent: int = 1_000
    answers: Counter[tuple[str, bool]] = field(default_factory=Counter)

    def truth(self, number: int) -> str:
        side = side_of(number)
        return OTHER[side] if number >= self.flips_at else side

    async def send(self, count: int = 25) -> list[dict[str, Any]]:
        """Send the next items, and count the answers by version and rightness."""
        items = [item(number) for number in range(self.sent, self.sent + count)]
        self.sent += count
        answer = await self.router.post(f"{PROJECT}/predict", json={"items": items})
        predictions: list[dict[str, Any]] = answer.raise_for_status().json()["predictions"]
        for one in predictions:
            if one["decision"] == "answered" and one["reason"] == "confident":
                is_right = one["label"] == self.truth(int(one["item_id"]))
                self.answers[one["model_version"], is_right] += 1
        return predictions

    async def review(self) -> None:
        """Answer all that can be leased."""
        while True:
            answer = await self.queue.post(f"{PROJECT}/leases", json={"count": 100})
            leases = answer.raise_for_status().json()["leases"]
            if not leases:
                return
            for lease in leases:
                label = self.truth(int(lease["task"]["item_id"]))
                path = f"/v1/leases/{lease['token']}/verdict"
                (await self.queue.post(path, json={"label": label})).raise_for_status()

    async def promise(self) -> dict[str, Any]:
        answer = await self.trainer.get(f"{PROJECT}/promise")
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    async def is_read(self) -> bool:
        """Say whether the trainer has read the newest decision."""
        query = {"item_id": str(self.sent - 1)}
        answer = await self.trainer.get(f"{PROJECT}/decisions", params=query)
        return bool(answer.raise_for_status().json()["decisions"])

    async def lives_until(self, state: str, most: int, *, paced: bool = False) -> None:
        """Send and review until the champion's promise has a state.

        Traffic rests while a version trains: else each version would be out of date when it is
        published, and the machine's speed would say how many are trained. Paced traffic is no
        faster than the decision log, so that its errors are counted by items.
        """
        end = self.sent + most
        while self.sent < end:
            await wait_until(partial(trains_none, self.trainer, PROJECT))
            await self.send()
            await self.review()
            if paced:
                await wait_until(self.is_read)
            if (await self.promise())["state"] == state:
                return
        raise AssertionError(f"not {state} after {most} items: {await self.promise()}")


async def open_world(stack: AsyncExitStack, launched: Launched) -> World:
    async def client(service: str, role: str) -> httpx.AsyncClient:
        return await stack.enter_async_context(launched.client(service, role))

    return World(
        router=await client("router", "caller"),
        queue=await client("review_queue", "operator"),
        trainer=await client("trainer", "operator"),
    )


@pytest.mark.thorough
@pytest.mark.timeout(900)
async def test_labels_flip_and_the_promise_comes_back_without_a_command(tmp_path: Path) -> None:
    with launch(tmp_path / "home") as launched:
        async with AsyncExitStack() as stack:
            world = await open_world(stack, launched)
            assert (await world.queue.put(PROJECT, json=SPEC)).status_code == 201
            lines = "\n".join(json.dumps(item(number)) for number in range(400))
            headers = {"Content-Type": "application/x-ndjson"}
            await world.trainer.post(f"{PROJECT}/pool", content=lines, headers=headers)

            await world.lives_until("certified", 5_000)
            first = (await world.promise())["version"]
            while world.answers[first, True] == 0:
                await world.send()
                await world.review()
            assert world.answers[first, False] < 10

            world.flips_at = world.sent
            await world.lives_until("suspended", 2_000, paced=True)
            wrong = world.answers[first, False]
            assert 0 < wrong < 400
            # Routers have read it by the time that the trainer says so, or within a poll.
            world.answers.clear()
            while (await world.send())[0]["reason"] != "promise_suspended":
                await world.review()
            world.answers.clear()
            await world.lives_until("certified", 20_000)
            second = (await world.promise())["version"]
            assert second != first
            # The router loads the version soon after the trainer says that it is certified.
            while world.answers.total() < 100:
                await world.send()
                await world.review()
            assert all(version != first for version, _ in world.answers)
            assert sum(n for (_, is_right), n in world.answers.items() if not is_right) < 20

            history = (await world.trainer.get(f"{PROJECT}/promise/history")).json()["changes"]
            told = [(line["version"], line["to"], line["cause"]) for line in history]
            assert told[0] == (first, "certified", "certified")
            suspended = [line for line in history if line["to"] == "suspended"]
            assert "audited answers were wrong" in suspended[0]["detail"]
            assert (second, "certified", "certified") in told
            assert all(line["actor"] is None for line in history)
