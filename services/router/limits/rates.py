"""Rate limits: so many items a second for each token, by the generic cell rate algorithm.

One number a token says all: the moment at which its allowance will be whole again [1]_.

References
----------
.. [1] ITU-T Recommendation I.371, "Traffic control and congestion control in B-ISDN", annex A.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.router.metrics import REFUSED
from shared.auth import Principal
from shared.contracts.base import MAX_BATCH
from shared.problems import TooManyRequests

# So many tokens may be known before those whose allowance is whole are forgotten.
_FEWEST_FORGOTTEN = 1000
# Sums of many small steps are not exact; this is far less than a client can use.
_TOLERANCE_SECONDS = 1e-6

# Subject and id of a token.
Holder = tuple[str, str]
Headers = dict[str, str]


@dataclass(frozen=True)
class Allowance:
    """What is left of a token's allowance: whole items now, and seconds until it is whole."""

    items: int
    whole_after: float


def holder_of(project: str, caller: Principal | None) -> Holder:  # noqa: ARG001 - one rule
    """Return the holder of the limit of a call.

    It is the token, in whatever projects; all calls without one share a limit. Return the project
    instead to limit each project.
    """
    return ("", "") if caller is None else (caller.subject, caller.token_id)


class RateLimit:
    """Gives each holder `per_second` items a second, and up to `burst` of them at once.

    The burst is one second's worth, or a full call if that is more: else no such call could pass.
    In each window of t seconds a holder gets at most ``per_second * t + burst`` items; a call that
    is refused takes none.

    Examples
    --------
    >>> limit = RateLimit(100, now=lambda: 50.0)
    >>> limit.take(("app", "token-1"), 1000)
    Allowance(items=0, whole_after=10.0)
    """

    def __init__(self, per_second: float, *, now: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_second
        self.burst = max(math.floor(per_second), MAX_BATCH)
        self._window = self.burst / per_second
        self._now = now
        self._whole_at: dict[Holder, float] = {}
        self._forget_at = _FEWEST_FORGOTTEN
        self._policy = f'"items";q={self.burst};w={math.ceil(self._window)}'

    @property
    def holders(self) -> int:
        """Number of holders that are remembered."""
        return len(self._whole_at)

    def take(self, holder: Holder, items: int) -> Allowance:
        """Take `items` from the holder's allowance; return what is left.

        Raises `TooManyRequests`: there are not so many; none was taken.
        """
        now = self._now()
        missing = max(0.0, self._whole_at.get(holder, now) - now)
        after = missing + items / self.per_second
        if after > self._window + _TOLERANCE_SECONDS:
            left = self._allowance(missing)
            REFUSED.labels("too-many-requests").inc()
            raise TooManyRequests(
                "Send fewer items a second, or wait as `Retry-After` says.",
                headers={
                    "Retry-After": str(max(1, math.ceil(after - self._window))),
                    **self.headers(left),
                },
            )
        if holder not in self._whole_at and len(self._whole_at) >= self._forget_at:
            self._whole_at = {one: at for one, at in self._whole_at.items() if at > now}
            self._forget_at = max(_FEWEST_FORGOTTEN, 2 * len(self._whole_at))
        self._whole_at[holder] = now + after
        return self._allowance(after)

    def give_back(self, holder: Holder, items: int) -> None:
        """Undo a `take`: its call was refused after all."""
        if holder in self._whole_at:
            self._whole_at[holder] -= items / self.per_second

    def headers_for(self, holder: Holder) -> Headers:
        """Return the headers that say what is left to the holder now."""
        now = self._now()
        return self.headers(self._allowance(max(0.0, self._whole_at.get(holder, now) - now)))

    def headers(self, left: Allowance) -> Headers:
        """Return the headers that say what is left (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Policy": self._policy,
            "RateLimit": f'"items";r={left.items};t={math.ceil(left.whole_after)}',
        }

    def _allowance(self, missing: float) -> Allowance:
        seconds = max(0.0, self._window - missing + _TOLERANCE_SECONDS)
        return Allowance(math.floor(seconds * self.per_second), missing)
