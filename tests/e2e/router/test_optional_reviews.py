"""Whole traces with real processes: nothing is answered below the threshold or without a promise.

Items, reviews, a restart of the review queue and changes of the promise come in a random order.
Each automatic answer is checked against the promise that it was given under: an answer by the
router names it (`policy_revision`); an answer at the end of an optional review must be allowed by
one that was in force between the outcome's time and the moment when the feed showed it. The
trainer's part is played by the test; tests/e2e/promise has a trace with a real one.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.base import utc_now
from shared.contracts.capacity import CapacitySettings
from shared.contracts.versions import PromiseEntry
from shared.store import Store
from tests.e2e.router.installation import PATIENT, SPEC, Installation
from tests.harness import wait_until
from tests.harness.model_publisher import UNSURE, Publisher, entry_of, project_of
from tests.harness.traces import KINDS, PROJECT, InForce, Trace

pytestmark = pytest.mark.thorough

CAPACITY = CapacitySettings(price_review=1, price_error=1e6, optional_wait_seconds=1)
# Sweeps of the queue and polls of the router see each promise.
DWELL_SECONDS = 2.5
# Chance that a reviewer answers tasks after a call.
REVIEWED = 0.3


@dataclass
class Scripted:
    """A trace, and the promises that are written into its store."""

    installation: Installation
    trace: Trace
    publisher: Publisher
    digest: str

    async def promise(self, threshold: float | None, **changes: Any) -> None:
        """Let promise.json answer from `threshold` on; None: `changes` end the promise."""
        entry = entry_of(self.publisher.project, self.digest, threshold=threshold or 0.9)
        since = utc_now()
        await self.publisher.put_promise(v1=entry.model_copy(update=changes))
        least = {} if threshold is None else {"v1": threshold}
        self.trace.promises[self.publisher.revision] = InForce(least, since, utc_now())

    async def has_all(self) -> bool:
        """Send once more, and say whether all kinds were seen: a busy machine forecasts late."""
        await self.trace.send()
        return self.trace.kinds().keys() >= KINDS

    async def ended(self) -> bool:
        """Say whether all is delivered, and no task is optional any more."""
        return self.installation.spooled() == 0 and await self.trace.has_no_optional_task()

    async def first_review(self) -> None:
        """Let a reviewer be at work: only then is anything offered to reviewers."""
        item = {"item_id": "first", "data": {"score": UNSURE}}
        async with self.trace.caller() as caller:
            await caller.post(f"{PROJECT}/predict", json={"items": [item]})
        await wait_until(lambda: self.installation.spooled() == 0, PATIENT)
        await self.trace.review(1)


@contextlib.asynccontextmanager
async def scripted(installation: Installation) -> AsyncIterator[Scripted]:
    project = project_of(capacity=CAPACITY)
    async with installation.operator() as operator:
        stated = project.model_dump(mode="json", include={*SPEC, "capacity"})
        created = await operator.put(PROJECT, json=stated)
        assert created.status_code == 201, created.text
    publisher = Publisher(Store((installation.home / "store").resolve().as_uri()), project, 0.1)
    digest = await publisher.put_version("v1")
    # The seed of the run, which pytest prints, gives the trace again.
    chance = random.Random(random.random())
    trace = Trace(
        installation.caller,
        installation.operator,
        chance,
        data=lambda _: {"score": chance.uniform(-7, 7)},
        label=lambda _: chance.choice(["negative", "positive"]),
    )
    script = Scripted(installation, trace, publisher, digest)
    await script.promise(0.9)
    await publisher.put_champion("v1")
    following = asyncio.create_task(trace.follow())
    try:
        yield script
    finally:
        following.cancel()


def changes_of(entry: PromiseEntry, chance: random.Random) -> list[tuple[float | None, Any]]:
    """All kinds of promises, in a random order, an end of it after each beginning."""
    past = utc_now() - timedelta(seconds=1)
    begun: list[tuple[float | None, Any]] = [(0.9, {}), (0.97, {}), (0.9, {"state": "warn"})]
    ended: list[tuple[float | None, Any]] = [
        (None, {"state": "suspended"}),
        (None, {"watched_until": past}),
        (None, {"state": "uncertified", "certificate": None}),
    ]
    chance.shuffle(begun)
    chance.shuffle(ended)
    return [one for pair in zip(begun, ended, strict=True) for one in pair]


async def test_nothing_is_answered_below_the_threshold_or_without_a_promise(
    installation: Installation,
) -> None:
    async with contextlib.AsyncExitStack() as running:
        queue = await running.enter_async_context(installation.queue())
        script = await running.enter_async_context(scripted(installation))
        trace = script.trace
        await running.enter_async_context(installation.router())
        await script.first_review()
        changes = changes_of(script.publisher.entries["v1"], trace.chance)
        for number, (threshold, change) in enumerate(changes):
            await script.promise(threshold, **change)
            ends = asyncio.get_running_loop().time() + DWELL_SECONDS
            while asyncio.get_running_loop().time() < ends:
                await trace.send()
                if trace.chance.random() < REVIEWED:
                    await trace.review(2)
                await asyncio.sleep(0.2)
            if number == 2:
                queue.kill()
                await trace.send()
                queue = await running.enter_async_context(installation.queue())
        await script.promise(0.9)
        await wait_until(script.has_all, PATIENT)
        await wait_until(script.ended, PATIENT)
    trace.check()
