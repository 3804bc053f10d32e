"""What is on its way through one model: how much, and how fast it goes."""

import time

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
