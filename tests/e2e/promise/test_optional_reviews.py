"""A whole trace with the real trainer: nothing is answered below the threshold that it published.

The trainer certifies, an operator suspends and resumes at random, then the labels flip, and audits
suspend; optional reviews run all the while. Each promise.json is read as it is written, and each
automatic answer is checked against the one that it was given under.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.contracts.base import utc_now
from shared.contracts.versions import PromiseDocument
from shared.store import Store, promise_path
from tests.harness import wait_until
from tests.harness.installation import Launched, launch, trains_none
from tests.harness.traces import KINDS, PROJECT, InForce, Trace

SPEC = {
    "labels": ["bad", "good"],
    "fields": {"text": {"type": "text"}},
    "promise": {
        "target_accuracy": 0.9,
        "confidence": 0.95,
        "certification_labels": 120,
        "audit_rate": 0.2,
        "min_population_span_seconds": 0,
    },
    "training": {"min_new_labels": 150},
    "capacity": {"price_review": 1, "price_error": 1e6, "optional_wait_seconds": 1},
}
SIDES = {"good": ["lovely", "fine", "great", "superb"], "bad": ["broken", "awful", "late", "poor"]}
OTHER = {"good": "bad", "bad": "good"}
THINGS = ["lamp", "kettle", "chair", "watch", "jacket"]
ANSWERING = {"certified", "warn"}
LONGEST_SECONDS = 600.0
# Chance that an operator suspends or resumes, and that a reviewer answers, after a call.
SWITCHED, REVIEWED = 0.05, 0.5
# Answers of the model at the end of optional reviews that a trace has at least.
LEAST_MODEL = 10
# Pool items have other texts than the traffic.
POOL_FROM = 10**6


def side_of(number: int) -> str:
    return random.Random(number).choice(["good", "bad"])


def data(number: int) -> dict[str, Any]:
    """A text of its side; in one of four, as many words of the other side hide it."""
    choose, side = random.Random(f"words {number}"), side_of(number)
    others = choose.choices(SIDES[OTHER[side]], k=3) if choose.random() < 0.25 else []
    words = [*choose.choices(SIDES[side], k=3), *others, *choose.choices(THINGS, k=2)]
    return {"text": " ".join([*words, str(number)])}


async def watch(store: Store, trace: Trace) -> None:
    """Note each promise.json, and from when to when it may have been written."""
    last = utc_now()
    while True:
        asked = utc_now()
        document = await store.read_document(promise_path("shop"), PromiseDocument)
        if document is not None and document.revision not in trace.promises:
            least = {
                version: entry.threshold
                for version, entry in document.versions.items()
                if entry.state in ANSWERING and entry.threshold is not None
            }
            trace.promises[document.revision] = InForce(least, last, utc_now())
        last = asked
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def watched(launched: Launched, trace: Trace) -> AsyncIterator[None]:
    store = Store((launched.home / "store").resolve().as_uri())
    running = [asyncio.create_task(watch(store, trace)), asyncio.create_task(trace.follow())]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@dataclass
class World:
    """Traffic, reviewers and an operator, who go on in a random order."""

    trainer: httpx.AsyncClient
    trace: Trace
    chance: random.Random
    is_flipped: bool = False

    def label(self, item_id: str) -> str:
        side = side_of(number_of(item_id))
        return OTHER[side] if self.is_flipped else side

    async def review_all(self) -> None:
        while await self.trace.review(100):
            pass

    async def is_certified(self) -> bool:
        """Send unless a version trains, review all, and say whether a version is certified."""
        await wait_until(partial(trains_none, self.trainer, PROJECT))
        await self.trace.send()
        await self.review_all()
        answer = await self.trainer.get(f"{PROJECT}/promise")
        return bool(answer.raise_for_status().json()["state"] == "certified")

    async def goes_on(self) -> bool:
        """Send; at random review a few and suspend or resume; say whether all kinds were seen."""
        await self.trace.send()
        if self.chance.random() < SWITCHED:
            act = self.chance.choice(["suspend", "resume"])
            await self.trainer.post(f"{PROJECT}/{act}", json={"cause": "trace"})
        if self.chance.random() < REVIEWED:
            await self.trace.review(6)
        kinds = self.trace.kinds()
        return kinds.keys() >= KINDS and kinds["outcome model"] >= LEAST_MODEL

    async def is_suspended(self) -> bool:
        """Send, review all, and say whether the promise was suspended without a command."""
        await self.trace.send()
        await self.review_all()
        answer = await self.trainer.get(f"{PROJECT}/promise/history")
        history = answer.raise_for_status().json()["changes"]
        return any(one["to"] == "suspended" and one["actor"] is None for one in history)


def number_of(item_id: str) -> int:
    return int(item_id[1:]) + (POOL_FROM if item_id[0] == "p" else 0)


async def begin(
    launched: Launched, stack: AsyncExitStack
) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    """Create the project and its pool; return clients of the review queue and the trainer."""
    trainer = await stack.enter_async_context(launched.client("trainer", "operator"))
    queue = await stack.enter_async_context(launched.client("review_queue", "operator"))
    assert (await queue.put(PROJECT, json=SPEC)).status_code == 201
    lines = "\n".join(
        json.dumps({"item_id": item_id, "data": data(number_of(item_id))})
        for item_id in (f"p{number}" for number in range(400))
    )
    headers = {"Content-Type": "application/x-ndjson"}
    assert (await trainer.post(f"{PROJECT}/pool", content=lines, headers=headers)).is_success
    return queue, trainer


@pytest.mark.thorough
@pytest.mark.timeout(1800)
async def test_a_trained_and_certified_version_answers_nothing_below_its_threshold(
    tmp_path: Path,
) -> None:
    chance = random.Random()
    with launch(tmp_path / "home") as launched:
        async with AsyncExitStack() as stack:
            queue, trainer = await begin(launched, stack)
            trace = Trace(
                lambda: launched.client("router", "caller"),
                lambda: launched.client("review_queue", "operator"),
                chance,
                data,
                lambda item_id: world.label(item_id),  # noqa: PLW0108 - there is none yet
            )
            world = World(trainer, trace, chance)
            await stack.enter_async_context(watched(launched, trace))
            await wait_until(world.is_certified, LONGEST_SECONDS)
            await wait_until(world.goes_on, LONGEST_SECONDS)
            await trainer.post(f"{PROJECT}/resume")
            # A version that learned the flipped labels would leave audits nothing to suspend.
            await queue.put(PROJECT, json={**SPEC, "training": {"min_new_labels": 100_000}})
            world.is_flipped = True
            await wait_until(world.is_suspended, LONGEST_SECONDS)
            for _ in range(10):
                await trace.send()
            await wait_until(trace.has_no_optional_task, LONGEST_SECONDS)
    trace.check()
