"""Admission: a call that would wait too long is refused while a refusal still costs little.

An overloaded service that takes every call answers all of them late. So each call is measured
against what is on its way before it: how many items, and how long one takes as things are now.
"""

import math
import time
from dataclasses import dataclass

from services.router.metrics import REFUSED
from services.router.problems import Overloaded

LONGEST_RETRY_SECONDS = 60
# So many items are measured together, and so much does the newest measurement count.
_MEASURED_TOGETHER = 64
_NEWEST = 0.1


class Flow:
    """Items between their arrival at a model and the moment at which their call goes on.

    `items` are all of them, `ahead` those that are run before a new call's first: of a long call
    only one turn of at most `turn` items. `pace` is the seconds that an item takes while calls keep
    coming, with all that the loop does besides: reading calls and writing answers.

    `lag` is how long the loop was last kept by other things while something waited: nothing can be
    answered sooner than that.

    Only times in which something is always on its way are measured, so no pause counts. And while
    calls are refused `pace` may only fall: the time that refusals take is not the items', and would
    make for still more refusals.
    """

    __slots__ = ("_done", "_refused", "_since", "_turn", "ahead", "items", "lag", "pace")

    def __init__(self, pace: float, turn: int) -> None:
        self.items = 0
        self.ahead = 0
        self.pace = pace
        self.lag = 0.0
        self._turn = turn
        self._since = 0.0
        self._done = 0
        self._refused = False

    def enter(self, count: int) -> None:
        """Note that a call of `count` items has come."""
        if not self.items:
            self._restart(time.perf_counter())
        self.items += count
        self.ahead += min(count, self._turn)

    def leave(self, count: int) -> None:
        """Note that a call of `count` items goes on, or was given up."""
        self.items -= count
        self.ahead -= min(count, self._turn)
        self._done += count
        if self._done >= _MEASURED_TOGETHER and self.items:
            self._measure()

    def refuse(self) -> None:
        """Note that a call was refused."""
        self._refused = True

    def interrupt(self) -> None:
        """Note that a run timed out: the time that it took is not the pace of the others."""
        self._restart(time.perf_counter())

    def _measure(self) -> None:
        now = time.perf_counter()
        measured = (now - self._since) / self._done
        if measured < self.pace or not self._refused:
            self.pace += _NEWEST * (measured - self.pace)
        self._restart(now)

    def _restart(self, now: float) -> None:
        self._since, self._done, self._refused = now, 0, False


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
