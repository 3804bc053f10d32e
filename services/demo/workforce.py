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
from typing import Literal

from services.demo.surehand import PROJECT, connected
from services.demo.texts import RatedText
from surehand import AsyncReviewTask, LeaseExpired

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
    project: str = PROJECT
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
        async with connected({"review_queue": self.address}, token) as surehand:
            while not finished.is_set():
                tasks = surehand.review(
                    self.project, wait_seconds=_WAIT_SECONDS, count=_LEASES_AT_ONCE
                )
                async with tasks:
                    async for task in tasks:
                        with contextlib.suppress(LeaseExpired):  # another reviewer has the task
                            await self._decide(task)
                        if finished.is_set():
                            break

    async def _decide(self, task: AsyncReviewTask) -> None:
        rated = self.texts.get(task.item_id)
        label = None
        if rated is not None:
            label = label_of(draw_rating(rated, self._skipped[task.item_id], self.seed))
        if label is None:
            await task.skip("unclear")
            self._skipped[task.item_id] += 1
            self.skips += 1
        else:
            await task.answer(label, active_seconds=2.0)
            self.verdicts += 1
            self.answered_at = time.monotonic()
