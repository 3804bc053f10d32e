"""Whole traces with real processes: what was answered, and under which promise."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from shared.contracts.base import utc_now
from shared.contracts.promise_status import as_float32

PROJECT = "/v1/projects/shop"
# What each trace has.
KINDS = {"confident", "optional_review", "below_threshold", "outcome model"}


@dataclass(frozen=True)
class InForce:
    """One promise.json: the least confidence that each version may answer, and when it was written.

    A version that may answer nothing is not in `thresholds`.
    """

    thresholds: dict[str, float]
    since: datetime
    surely_since: datetime


@dataclass
class Trace:
    """What clients and reviewers did, and all that came of it.

    `caller` and `operator` open clients of the router and of the review queue, `data` makes an
    item's fields of its number, `label` is a reviewer's verdict on an item id.
    """

    caller: Callable[[], httpx.AsyncClient]
    operator: Callable[[], httpx.AsyncClient]
    chance: random.Random
    data: Callable[[int], dict[str, Any]]
    label: Callable[[str], str]
    promises: dict[int, InForce] = field(default_factory=dict)
    sent: int = 0
    predictions: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[tuple[dict[str, Any], datetime]] = field(default_factory=list)

    async def send(self) -> None:
        """Send items; some calls wait."""
        items = [
            {"item_id": f"i{number}", "data": self.data(number)}
            for number in range(self.sent, self.sent + 8)
        ]
        self.sent += len(items)
        body = {"items": items, "wait_seconds": self.chance.choice([0, 0, 1.5])}
        async with self.caller() as caller:
            answer = await caller.post(f"{PROJECT}/predict", json=body)
        assert answer.status_code == 200, answer.text
        self.predictions += answer.json()["predictions"]

    async def review(self, count: int) -> int:
        """Let a reviewer answer up to `count` tasks, if the queue is there; return how many."""
        async with self.operator() as reviewer:
            answer = await reviewer.post(f"{PROJECT}/leases", json={"count": count})
            leases = answer.json()["leases"]
            for lease in leases:
                verdict = {"label": self.label(lease["task"]["item_id"])}
                await reviewer.post(f"/v1/leases/{lease['token']}/verdict", json=verdict)
        return len(leases)

    async def follow(self) -> None:
        """Collect the outcomes, each with the moment when it was seen."""
        query: dict[str, Any] = {"wait_seconds": 1}
        while True:
            with contextlib.suppress(httpx.HTTPError):
                async with self.operator() as operator:
                    page = (await operator.get(f"{PROJECT}/outcomes", params=query)).json()
                    self.outcomes += [(one, utc_now()) for one in page["outcomes"]]
                    query["after"] = page["cursor"]
            await asyncio.sleep(0.02)

    async def has_no_optional_task(self) -> bool:
        """Say whether no task is optional any more."""
        async with self.operator() as operator:
            query = {"lane": "optional", "state": "open"}
            page = await operator.get(f"{PROJECT}/tasks", params=query)
        return bool(page.json()["tasks"] == [])

    def kinds(self) -> Counter[str]:
        """Count predictions by their reason, and outcomes by their source."""
        seen = Counter(one["reason"] for one in self.predictions)
        return seen + Counter(f"outcome {outcome['source']}" for outcome, _ in self.outcomes)

    def check(self) -> None:
        """Assert that each answer of the model was allowed by a promise that was in force."""
        for one in self.predictions:
            if one["reason"] not in ("confident", "optional_review"):
                assert one["label"] is None or one["reason"] == "human"
                continue
            assert _is_allowed(one, [self.promises[one["policy_revision"]]]), one
        for outcome, seen in self.outcomes:
            if outcome["source"] == "model":
                prediction = outcome["prediction"]
                assert prediction["reason"] == "optional_review"
                resolved_at = datetime.fromisoformat(outcome["resolved_at"])
                since = self._in_force(resolved_at, seen)
                assert _is_allowed(prediction, since), (outcome, self.promises)
        assert self.kinds().keys() >= KINDS

    def _in_force(self, first: datetime, last: datetime) -> list[InForce]:
        """Return the promises that could be read in that time."""
        places = [self.promises[revision] for revision in sorted(self.promises)]
        before = [n for n, one in enumerate(places) if one.surely_since < first]
        return [one for one in places[max(before, default=0) :] if one.since <= last]


def _is_allowed(prediction: dict[str, Any], promises: list[InForce]) -> bool:
    version, confidence = prediction["model_version"], as_float32(prediction["confidence"])
    least = [one.thresholds[version] for one in promises if version in one.thresholds]
    return any(confidence >= as_float32(threshold) for threshold in least)
