"""When a delivery that failed is tried again, and when it is given up (pure).

Exponential back-off with full jitter: receivers that come back are not met by all at once.
Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015.
"""

import math
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_FIRST_SECONDS = 10.0
_LONGEST_SECONDS = 12 * 3600.0
# The expected sum of the waits between so many attempts is 71 hours, the longest 143.
MAX_ATTEMPTS = 24
_LONGEST_RETRY_AFTER = timedelta(days=1)


def ceiling_seconds(attempts: int) -> float:
    """Longest wait after so many attempts (at least 1): doubles from 10 s on, at most 12 hours."""
    doublings = min(attempts - 1, math.ceil(math.log2(_LONGEST_SECONDS / _FIRST_SECONDS)))
    return min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0**doublings)


def wait_after(attempts: int, draw: float) -> timedelta:
    """Return the wait after so many failed attempts, `draw` in [0, 1) being uniformly random."""
    return timedelta(seconds=draw * ceiling_seconds(attempts))


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """Return how long ``Retry-After`` (RFC 9110: seconds, or a date) asks to wait, at most a day.

    None without the header, or where it says neither.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        # Far more digits than a day has seconds would not fit into a timedelta.
        return min(timedelta(seconds=int(text[:9])), _LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
        # A date without a zone is in UTC.
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), _LONGEST_RETRY_AFTER)
