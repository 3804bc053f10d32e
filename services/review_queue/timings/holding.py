"""How long reviewers were at it, where they hold several leases at once (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class LeaseInterval:
    """An answered lease: whose, from when, and until its answer."""

    reviewer: str
    since: datetime
    until: datetime


def busy_seconds(held: Iterable[LeaseInterval]) -> float:
    """Return for how long each reviewer held anything at all, and of all of them the sum.

    A page takes its next task ahead, so that leases overlap: what they share is counted once.

    Examples
    --------
    >>> noon = datetime(2026, 11, 24, 12)
    >>> at = [noon + timedelta(seconds=seconds) for seconds in (0, 10, 20, 25)]
    >>> busy_seconds([LeaseInterval("anna", at[0], at[2]), LeaseInterval("anna", at[1], at[3])])
    25.0
    """
    busy, reached = timedelta(), dict[str, datetime]()
    for lease in sorted(held, key=lambda one: one.since):
        since = max(lease.since, reached.get(lease.reviewer, lease.since))
        if lease.until > since:
            busy += lease.until - since
            reached[lease.reviewer] = lease.until
    return busy.total_seconds()
