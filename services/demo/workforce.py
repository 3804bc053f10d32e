"""Simulated reviewers at work: they lease, answer and skip through the public API alone."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.demo.reviewers import draw_rating, label_of
from services.demo.surehand import PROJECT, DemoFailed, client
from services.demo.tweets import Tweet

_LEASES_AT_ONCE = 25
_PATIENCE_SECONDS = 1


@dataclass
class Workforce:
    """Reviewers with a token each. `answered_at` is the monotonic time of the last verdict."""

    address: str
    tokens: Mapping[str, str]
    tweets: Mapping[str, Tweet]
    seed: int
    verdicts: int = 0
    skips: int = 0
    answered_at: float = 0.0
    _skipped: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def work(self, until: asyncio.Event) -> None:
        """Let every reviewer work until `until` is set."""
        async with asyncio.TaskGroup() as group:
            for name, token in self.tokens.items():
                group.create_task(self._review(name, token, until))

    async def _review(self, name: str, token: str, until: asyncio.Event) -> None:
        async with client(self.address, token) as http:
            while not until.is_set():
                body = {"count": _LEASES_AT_ONCE, "wait_seconds": _PATIENCE_SECONDS}
                leases = _answer(await http.post(f"/v1/projects/{PROJECT}/leases", json=body))
                for lease in leases["leases"]:
                    await self._decide(http, name, lease)

    async def _decide(self, http: httpx.AsyncClient, name: str, lease: dict[str, Any]) -> None:
        item_id = lease["task"]["item_id"]
        tweet = self.tweets.get(item_id)
        key = (name, item_id)
        label = None
        if tweet is not None:
            label = label_of(draw_rating(tweet, name, self._skipped[key], self.seed))
        if label is None:
            self._skipped[key] += 1
            self.skips += 1
            await http.post(f"/v1/leases/{lease['token']}/skip", json={"reason": "unclear"})
            return
        answer = await http.post(
            f"/v1/leases/{lease['token']}/verdict", json={"label": label, "active_seconds": 2.0}
        )
        if answer.status_code == httpx.codes.CONFLICT:
            return  # the lease expired under us: the task is another reviewer's now
        _answer(answer)
        self.verdicts += 1
        self.answered_at = time.monotonic()


def _answer(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise DemoFailed(f"A reviewer was refused: {answer.status_code} {answer.text[:300]}")
    document: dict[str, Any] = answer.json()
    return document
