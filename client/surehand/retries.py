"""Which failed calls are repeated, and after how long.

Pure, but for the keys by which calls act once: the random draw is an argument.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from uuid import uuid4

# The service refused before it did anything, so any call may be repeated.
_NOT_BEGUN = frozenset({429})
# The service, or a proxy before it, may have done what was asked: only calls that act once may.
_MAYBE_DONE = frozenset({408, 502, 503, 504})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_REPLACING = frozenset({"PUT", "DELETE"})
_CONDITIONS = frozenset({"if-match", "if-none-match"})


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after how many seconds, a failed call is repeated.

    The waits double from `first_seconds` to `longest_seconds`, each drawn between half of it and
    the whole. A `Retry-After` longer than `longest_retry_after` is not waited for.
    """

    retries: int = 4
    first_seconds: float = 0.25
    longest_seconds: float = 8.0
    longest_retry_after: float = 60.0

    def wait_seconds(self, attempt: int, retry_after: float | None, draw: float) -> float | None:
        """Return the seconds to wait before the next attempt; None to give up.

        Parameters
        ----------
        attempt : at least 1
            How many attempts have failed.
        retry_after
            What the service asked for, in seconds.
        draw : in [0, 1)
            A uniform random number: clients that failed together come back apart.
        """
        if attempt > self.retries:
            return None
        doubled = self.first_seconds * float(2 ** min(attempt - 1, 30))
        backoff = min(doubled, self.longest_seconds) * (0.5 + draw / 2)
        if retry_after is None:
            return backoff
        if retry_after > self.longest_retry_after:
            return None
        # Never earlier than asked; a little later, by the same draw.
        return retry_after + self.first_seconds * draw


def is_idempotent(
    method: str, declared: bool | None, headers: Mapping[str, str] | None = None
) -> bool:
    """Say whether a repeated call acts once: as `declared`, otherwise by its method.

    A change under a condition does not: the first call changes what the condition names, and the
    repeated one would be refused for it.
    """
    if declared is not None:
        return declared
    is_conditional = any(name.lower() in _CONDITIONS for name in headers or ())
    return method.upper() in _READING or (method.upper() in _REPLACING and not is_conditional)


def may_repeat_status(status: int, *, idempotent: bool) -> bool:
    """Say whether a call that got `status` may be repeated."""
    return status in _NOT_BEGUN or (idempotent and status in _MAYBE_DONE)


def retry_after_of(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds of ``Retry-After`` (RFC 9110), given in seconds or as a date.

    None if there is none, or it cannot be read.

    Examples
    --------
    >>> retry_after_of({"Retry-After": "7"})
    7.0
    """
    value = headers.get("Retry-After", headers.get("retry-after", "")).strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0)


def keyed(key: str | None) -> dict[str, str]:
    """Return the header by which a repeated request acts once; its key is random by default."""
    return {"Idempotency-Key": key or str(uuid4())}
