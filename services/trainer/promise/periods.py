"""Periods: all certifications that a project opens within one share one delta (pure).

A version, a renewal and a new try are all tests of the same promise, so they spend one budget: the
k-th test of a period spends `attempt_delta(delta, k)`, and the chance that any of them certifies
wrongly is at most delta (union bound), however many versions there were.

A period begins with the first test that is opened when there is none. It ends after `expires_days`,
or when an audit suspends a version. A renewal falls due in the last quarter of a certificate's
life; the first one that is opened in the last quarter of a period ends it and begins the next, for
its certificate is to hold there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.trainer.tables import ProjectState, Version

LAST_QUARTER = 0.25
# The watch lifts these itself; they say that evidence is missing, not that answers were wrong.
PASSING_CAUSES = frozenset({"audit_overdue", "audit_starved"})


@dataclass(frozen=True)
class PlaceInPeriod:
    """When a test's period began, and the test's number in it, from 1."""

    began_at: datetime
    number: int


def next_place(
    state: ProjectState | None,
    *,
    now: datetime,
    expires_days: float,
    suspensions: Iterable[datetime] = (),
    renews: bool = False,
) -> PlaceInPeriod:
    """Return the place of a test that is opened now.

    Parameters
    ----------
    suspensions
        When audits or drift suspended versions of the project (`alarmed_at`).
    renews
        Whether the test is to renew a certificate that nears its expiry.
    """
    if state is None or state.period_began_at is None:
        return PlaceInPeriod(now, 1)
    began = state.period_began_at
    life = timedelta(days=expires_days)
    ends = began + life * (1 - LAST_QUARTER) if renews else began + life
    if now >= ends or any(moment > began for moment in suspensions):
        return PlaceInPeriod(now, 1)
    return PlaceInPeriod(began, state.tests_in_period + 1)


def alarmed_at(suspension: dict[str, Any] | None) -> datetime | None:
    """Return when audits or drift suspended the version; None if not, or if it passes by itself."""
    if suspension is None or suspension["cause"] in PASSING_CAUSES:
        return None
    return datetime.fromisoformat(suspension["at"])


def alarm_in_force(versions: Iterable[Version], own: Version) -> datetime | None:
    """Return the alarm whose traffic a certification of `own` must come after; None: there is none.

    An alarm about any version says that the traffic may have changed, until a certificate that was
    given since says what can be promised about it. One about `own` counts as long as it stands.
    """
    known = list(versions)
    certified = [one.certified_at for one in known if one.certified_at is not None]
    alarms = [
        alarm
        for one in known
        if (alarm := alarmed_at(one.suspension)) is not None
        and (one.version == own.version or all(alarm > moment for moment in certified))
    ]
    return max(alarms, default=None)
