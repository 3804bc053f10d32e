"""Whole traces with real processes: nothing is answered below the threshold or without a promise.

Items, reviews, a restart of the review queue and changes of the promise come in a random order.
Each automatic answer is checked against the promise that it was given under: an answer by the
router names it (`policy_revision`); an answer at the end of an optional review must be allowed by
one that was in force between the outcome's time and the moment when the feed showed it.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.contracts.base import utc_now
from shared.contracts.capacity import CapacitySettings
from shared.contracts.promise_status import as_float32
from shared.contracts.versions import PromiseEntry
from shared.store import Store
from tests.e2e.router.installation import PATIENT, SPEC, Installation
from tests.harness import wait_until
from tests.harness.model_publisher import UNSURE, Publisher, entry_of, project_of

pytestmark = pytest.mark.thorough

CAPACITY = CapacitySettings(price_review=1, price_error=1e6, optional_wait_seconds=1)
PROJECT = "/v1/projects/shop"
# Sweeps of the queue and polls of the router see each promise.
DWELL_SECONDS = 2.5
# Chance that a reviewer answers tasks after a call.
REVIEWED = 0.3
# What each trace has.
KINDS = {"confident", "optional_review", "below_threshold", "outcome model"}


@dataclass(frozen=True)
class InForce:
    """One promise.json: the least confidence that may be answered, and when it was written."""

    threshold: float | None
    since: datetime
    surely_since: datetime


@dataclass
class Trace:
    """What was done, and all that came of it."""

    installation: Installation
    publisher: Publisher
    digest: str
    chance: random.Random
    promises: dict[int, InForce] = field(default_factory=dict)
    sent: int = 0
    predictions: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[tuple[dict[str, Any], datetime]] = field(default_factory=list)

    async def promise(self, threshold: float | None, **changes: Any) -> None:
        """Let promise.json answer from `threshold` on; None: `changes` end the promise."""
        entry = entry_of(self.publisher.project, self.digest, threshold=threshold or 0.9)
        since = utc_now()
        await self.publisher.put_promise(v1=entry.model_copy(update=changes))
        self.promises[self.publisher.revision] = InForce(threshold, since, utc_now())

    async def send(self) -> None:
        """Send items of any confidence; some calls wait."""
        items = [
            {"item_id": f"i{self.sent + n}", "data": {"score": self.chance.uniform(-7, 7)}}
            for n in range(8)
        ]
        self.sent += len(items)
        body = {"items": items, "wait_seconds": self.chance.choice([0, 0, 1.5])}
        async with self.installation.caller() as caller:
            answer = await caller.post(f"{PROJECT}/predict", json=body)
        assert answer.status_code == 200, answer.text
        self.predictions += answer.json()["predictions"]

    async def review(self, count: int) -> None:
        """Let a reviewer answer some tasks, if the queue is there."""
        async with self.installation.operator() as reviewer:
            leases = await reviewer.post(f"{PROJECT}/leases", json={"count": count})
            for lease in leases.json()["leases"]:
                verdict = {"label": self.chance.choice(["negative", "positive"])}
                await reviewer.post(f"/v1/leases/{lease['token']}/verdict", json=verdict)

    async def follow(self) -> None:
        """Collect the outcomes, each with the moment when it was seen."""
        query: dict[str, Any] = {"wait_seconds": 1}
        while True:
            with contextlib.suppress(httpx.HTTPError):
                async with self.installation.operator() as operator:
                    page = (await operator.get(f"{PROJECT}/outcomes", params=query)).json()
                    self.outcomes += [(one, utc_now()) for one in page["outcomes"]]
                    query["after"] = page["cursor"]
            await asyncio.sleep(0.02)

    def may_answer(self, confidence: float, resolved_at: datetime, seen: datetime) -> bool:
        """Say whether a promise that could be read in that time allows the answer."""
        places = list(self.promises.values())
        before = [n for n, one in enumerate(places) if one.surely_since < resolved_at]
        return any(
            one.threshold is not None and as_float32(confidence) >= as_float32(one.threshold)
            for one in places[max(before, default=0) :]
            if one.since <= seen
        )


@contextlib.asynccontextmanager
async def traced(installation: Installation, seed: int) -> AsyncIterator[Trace]:
    project = project_of(capacity=CAPACITY)
    async with installation.operator() as operator:
        stated = project.model_dump(mode="json", include={*SPEC, "capacity"})
        created = await operator.put(PROJECT, json=stated)
        assert created.status_code == 201, created.text
    publisher = Publisher(Store((installation.home / "store").resolve().as_uri()), project, 0.1)
    digest = await publisher.put_version("v1")
    trace = Trace(installation, publisher, digest, random.Random(seed))
    await trace.promise(0.9)
    await publisher.put_champion("v1")
    following = asyncio.create_task(trace.follow())
    try:
        yield trace
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


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_is_answered_below_the_threshold_or_without_a_promise(
    installation: Installation, seed: int
) -> None:
    async with contextlib.AsyncExitStack() as running:
        queue = await running.enter_async_context(installation.queue())
        trace = await running.enter_async_context(traced(installation, seed))
        await running.enter_async_context(installation.router())
        await first_review(trace)
        changes = changes_of(trace.publisher.entries["v1"], trace.chance)
        for number, (threshold, change) in enumerate(changes):
            await trace.promise(threshold, **change)
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
        await trace.promise(0.9)
        await wait_until(lambda: has_all(trace), PATIENT)
        await wait_until(lambda: ended(trace), PATIENT)
    check(trace)


async def has_all(trace: Trace) -> bool:
    """Send once more, and say whether all kinds were seen: a busy machine forecasts late."""
    await trace.send()
    return kinds(trace).keys() >= KINDS


async def first_review(trace: Trace) -> None:
    """Let a reviewer be at work: only then is anything offered to reviewers."""
    item = {"item_id": "first", "data": {"score": UNSURE}}
    async with trace.installation.caller() as caller:
        await caller.post(f"{PROJECT}/predict", json={"items": [item]})
    await wait_until(lambda: trace.installation.spooled() == 0, PATIENT)
    await trace.review(1)


async def ended(trace: Trace) -> bool:
    """Say whether no task is optional any more."""
    async with trace.installation.operator() as operator:
        query = {"lane": "optional", "state": "open"}
        page = await operator.get(f"{PROJECT}/tasks", params=query)
    return trace.installation.spooled() == 0 and page.json()["tasks"] == []


def kinds(trace: Trace) -> Counter[str]:
    """Count predictions by their reason, and outcomes by their source."""
    seen = Counter(one["reason"] for one in trace.predictions)
    return seen + Counter(f"outcome {outcome['source']}" for outcome, _ in trace.outcomes)


def check(trace: Trace) -> None:
    for one in trace.predictions:
        if one["reason"] not in ("confident", "optional_review"):
            assert one["label"] is None or one["reason"] == "human"
            continue
        least = trace.promises[one["policy_revision"]].threshold
        assert least is not None, one
        assert as_float32(one["confidence"]) >= as_float32(least), one
    for outcome, when in trace.outcomes:
        if outcome["source"] == "model":
            resolved_at = datetime.fromisoformat(outcome["resolved_at"])
            confidence = outcome["prediction"]["confidence"]
            assert outcome["prediction"]["reason"] == "optional_review"
            assert trace.may_answer(confidence, resolved_at, when), (outcome, trace.promises)
    assert kinds(trace).keys() >= KINDS
