"""Admission: what a call must pass before it is worked on.

An overloaded service that takes every call answers all of them late. So a call is measured against
what is on its way before it, and refused while a refusal still costs little.
"""

import math
from dataclasses import dataclass

from services.router.errors import Overloaded
from services.router.metrics import REFUSED
from services.router.rates import RateLimit
from services.router.scoring.flow import Flow
from shared.auth import Principal

_LONGEST_RETRY_SECONDS = 60


@dataclass(frozen=True)
class Admission:
    """The limits that calls are held to; every protocol asks here.

    `max_wait_seconds` is how long a call may be expected to wait for its model, `max_items` how
    many items may be on their way through it.
    """

    max_wait_seconds: float
    max_items: int
    rate_limit: RateLimit | None = None

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
        return max(1, min(_LONGEST_RETRY_SECONDS, math.ceil(flow.items * flow.pace)))

    def charge(self, caller: Principal | None, items: int) -> None:
        """Take `items` from the caller's allowance; raise `TooManyRequests` when it is used up."""
        if self.rate_limit is not None:
            self.rate_limit.take(holder_of(caller), items)

    def headers(self, caller: Principal | None) -> dict[str, str]:
        """Return the headers that tell a caller what is left; none when there is no limit."""
        return {} if self.rate_limit is None else self.rate_limit.standing(holder_of(caller))


def holder_of(caller: Principal | None) -> tuple[str, str]:
    """Return who is held to the rate: a token; all calls without one together."""
    return ("", "") if caller is None else (caller.subject, caller.token_id)
