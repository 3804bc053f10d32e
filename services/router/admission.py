"""Admission: a call that would wait too long is refused while a refusal still costs little.

An overloaded service that takes every call answers all of them late. So each call is measured
against what waits before it: how many items, and how long an item takes as things are now.
"""

import math
from dataclasses import dataclass
from typing import Protocol

from services.router.errors import Overloaded
from services.router.metrics import REFUSED
from services.router.scoring.pace import Pace

_LONGEST_RETRY_SECONDS = 60


class Queue(Protocol):
    """What waits for one model.

    `items_ahead` are those that would be run before a new call's first; `items_waiting` are all.
    """

    items_ahead: int
    items_waiting: int
    pace: Pace


@dataclass(frozen=True)
class Admission:
    """The limits that calls are held to."""

    max_wait_seconds: float
    max_items: int

    def check(self, queue: Queue) -> None:
        """Raise `Overloaded` when a new call would wait too long, or one item in too many waits."""
        if queue.items_ahead:
            seconds = self.refusal(queue)
            if seconds is not None:
                REFUSED.labels("overloaded").inc()
                raise Overloaded(seconds)

    def refusal(self, queue: Queue) -> int | None:
        """Return the seconds until it is worth another try, at least 1; None to take the call.

        Pure. What waits for nothing but itself is always taken, however long it takes.
        """
        wait = queue.items_ahead * queue.pace.seconds
        if wait <= self.max_wait_seconds and queue.items_waiting < self.max_items:
            return None
        drained = max(wait, queue.items_waiting * queue.pace.seconds)
        return max(1, min(_LONGEST_RETRY_SECONDS, math.ceil(drained)))
