"""How fast a queue is worked off in a loop that has other things to do as well."""

import time

# How much the newest measurement counts.
_NEWEST = 0.1
# Nobody else in the loop waits longer than that for us.
_LONGEST_SECONDS = 0.2


class Pace:
    """Measures `seconds` an item, from the start of one turn to that of the next.

    So it counts what the loop does in between: reading and refusing calls, writing answers. A turn
    after which nothing waits counts alone: what comes after it is a pause.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began = self._ended = 0.0
        self._count = 0

    def begin(self, waiting_since: float) -> float:
        """Begin a turn; return until when it may go on while something waits.

        As long as the loop was busy with others while something waited: else, the more calls there
        are to be read and refused, the fewer would be answered.
        """
        now = time.perf_counter()
        if self._count:
            self._measure(now)
        self._began, self._count = now, 0
        return now + min(now - max(waiting_since, self._ended), _LONGEST_SECONDS)

    def add(self, count: int) -> None:
        """Count items that were run in this turn."""
        self._count += count

    def end(self, *, more: bool) -> None:
        """End a turn; say whether more waits for the next."""
        self._ended = time.perf_counter()
        if self._count and not more:
            self._measure(self._ended)
            self._count = 0

    def _measure(self, now: float) -> None:
        self.seconds += _NEWEST * ((now - self._began) / self._count - self.seconds)
