"""Admission: a call that would wait too long is refused while a refusal still costs little.

An overloaded service that takes every call answers all of them late. So each call is measured
against what is on its way before it: how many items, and how long one takes as things are now.
"""

import math
from dataclasses import dataclass

from services.router.limits.flow import Flow
from services.router.metrics import REFUSED
from services.router.problems import Overloaded

LONGEST_RETRY_SECONDS = 60


@dataclass(frozen=True)
class Admission:
    """The limits that calls are held to.

    `max_wait_seconds` is how long a call may be expected to wait for its model, `max_items` how
    many items may be on their way through it.
    """

    max_wait_seconds: float
    max_items: int

    def check(self, flow: Flow) -> None:
        """Raise `Overloaded` when a new call would wait too long, or too many items wait."""
        if flow.items:
            seconds = self.refusal(flow)
            if seconds is not None:
                flow.refuse()
                REFUSED.labels("overloaded").inc()
                raise Overloaded(seconds)

    def refusal(self, flow: Flow) -> int | None:
        """Return the seconds until it is worth another try, at least 1; None to take the call.

        Pure. A call that waits for nothing but itself is always taken, however long it takes. And
        when reading and refusing alone takes longer than a call may wait, as many are taken as can
        be answered in that time: half of the work is then still done for answers.
        """
        longest = max(self.max_wait_seconds, flow.lag)
        if flow.ahead * flow.pace <= longest and flow.items < self.max_items:
            return None
        return max(1, min(LONGEST_RETRY_SECONDS, math.ceil(flow.items * flow.pace)))
