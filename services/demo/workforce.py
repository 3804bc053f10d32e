"""Simulated reviewers at work: they lease, answer and skip through the public API alone.

Each verdict is one of the ratings that real people gave the post.
"""

import asyncio
import contextlib
import hashlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from services.demo.surehand import PROJECT, Refused, client
from services.demo.texts import RatedText

_LEASES_AT_ONCE = 25
_WAIT_SECONDS = 1

Label = Literal["positive", "negative"]


def draw_rating(rated: RatedText, skips: int, seed: int) -> int:
    """One of the post's ratings, the same for every reviewer and in any order of arrival.

    Parameters
    ----------
    rated
        Its raters cannot be linked across posts, so each post is a fresh draw.
    skips
        How often the post was skipped before: the next reviewer draws anew.
    seed
        Changes every draw.

    Returns
    -------
    -4 to 4; 0 stands for "unclear".
    """
    key = json.dumps([seed, rated.id, skips]).encode()
    draw = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")
    return rated.ratings[draw % len(rated.ratings)]


def label_of(rating: int) -> Label | None:
    """The label that a rating stands for; None for a rating of 0, which a reviewer skips.

    Examples
    --------
    >>> [label_of(rating) for rating in (3, 0, -1)]
    ['positive', None, 'negative']
    """
    if rating == 0:
        return None
    return "positive" if rating > 0 else "negative"


@dataclass
class Workforce:
    """Reviewers with a token each. `answered_at` is the monotonic time of the last verdict."""

    address: str
    tokens: Mapping[str, str]
    texts: Mapping[str, RatedText]
    seed: int
    verdicts: int = 0
    skips: int = 0
    answered_at: float = 0.0
    _skipped: Counter[str] = field(default_factory=Counter)

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Let all reviewers work while the block lasts; a failure of theirs ends the block."""
        finished = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                for token in self.tokens.values():
                    group.create_task(self._review(token, finished))
                try:
                    yield
                finally:
                    finished.set()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def _review(self, token: str, finished: asyncio.Event) -> None:
        async with client(self.address, token) as http:
            while not finished.is_set():
                body = {"count": _LEASES_AT_ONCE, "wait_seconds": _WAIT_SECONDS}
                answer = await http.post(f"{PROJECT}/leases", json=body)
                for lease in answer.json()["leases"]:
                    with contextlib.suppress(Refused):  # it expired: another reviewer has the task
                        await self._decide(http, lease)

    async def _decide(self, http: httpx.AsyncClient, lease: dict[str, Any]) -> None:
        item_id, address = lease["task"]["item_id"], f"/leases/{lease['token']}"
        rated = self.texts.get(item_id)
        label = rated and label_of(draw_rating(rated, self._skipped[item_id], self.seed))
        if label is None:
            await http.post(f"{address}/skip", json={"reason": "unclear"})
            self._skipped[item_id] += 1
            self.skips += 1
        else:
            await http.post(f"{address}/verdict", json={"label": label, "active_seconds": 2.0})
            self.verdicts += 1
            self.answered_at = time.monotonic()
