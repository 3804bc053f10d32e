"""How often codes that open nothing may be tried (no I/O)."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

from shared.problems import NotFound, TooManyRequests

_WINDOW_SECONDS = 60
_MOST_FAILURES = 100
_MOST_ADDRESSES = 10_000


class FailedAttempts:
    """Counts wrong codes by address, in windows of a minute; a hundred are looked up in each.

    A code cannot be guessed: this bounds the look-ups that a client can cause. All addresses beyond
    the first 10,000 of a window count as one.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._counts: Counter[str] = Counter()
        self._window = 0

    @contextlib.contextmanager
    def counting(self, address: str) -> Iterator[None]:
        """Count a wrong code where the look-up within raises `NotFound`.

        Raises `TooManyRequests`: the address has tried too many of them.
        """
        if self._counts[self._key(address)] >= _MOST_FAILURES:
            raise TooManyRequests(
                "Too many links that do not work were tried from here; wait a minute.",
                headers={"Retry-After": str(_WINDOW_SECONDS)},
            )
        try:
            yield
        except NotFound:
            self._counts[self._key(address)] += 1
            raise

    def _key(self, address: str) -> str:
        window = int(self._now().timestamp() // _WINDOW_SECONDS)
        if window != self._window:
            self._window = window
            self._counts.clear()
        is_known = address in self._counts or len(self._counts) < _MOST_ADDRESSES
        return address if is_known else ""
