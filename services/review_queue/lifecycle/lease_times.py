"""How long a lease lasts: as the project says, or three times what people need here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from services.review_queue.lifecycle.repository.claiming import active_seconds
from shared.contracts.projects import Project
from shared.db import Session

# Until so many answers say how long people are at work on a task.
_FEWEST, _NEWEST = 20, 200
_UNKNOWN = timedelta(seconds=300)
_TIMES = 3.0
_SHORTEST, _LONGEST = timedelta(seconds=60), timedelta(hours=1)
_KNOWN_FOR = timedelta(seconds=60)


@dataclass(frozen=True)
class LeaseTimes:
    """The lease time of each project; what is measured is measured anew once a minute."""

    now: Callable[[], datetime]
    _known: dict[str, tuple[datetime, timedelta]] = field(default_factory=dict)

    async def of(self, session: Session, project: Project) -> timedelta:
        """Return how long a lease of this project lasts that is given now."""
        if project.review.lease_seconds is not None:
            return timedelta(seconds=project.review.lease_seconds)
        known = self._known.get(project.project)
        now = self.now()
        if known is None or not known[0] <= now < known[0] + _KNOWN_FOR:
            active = await active_seconds(session, project.project, _NEWEST)
            known = self._known[project.project] = (now, lease_time(active))
        return known[1]


def lease_time(seconds: list[float]) -> timedelta:
    """Return three times the median of what people needed, between a minute and an hour."""
    if len(seconds) < _FEWEST:
        return _UNKNOWN
    return min(max(timedelta(seconds=_TIMES * median(seconds)), _SHORTEST), _LONGEST)
