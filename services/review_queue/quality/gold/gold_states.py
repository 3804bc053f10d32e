"""What the lease path must know of each project's gold and pauses, read anew every two seconds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.review_queue.lifecycle.repository import gold as known
from services.review_queue.quality.gold.repository import pauses
from shared.db import Session

_KNOWN_FOR = timedelta(seconds=2)


@dataclass(frozen=True)
class GoldState:
    """Whether a project has gold, who is paused in it, and when others were last resumed."""

    read_at: datetime
    gold: bool
    paused: frozenset[str]
    resumed: Mapping[str, datetime]

    @property
    def plain(self) -> bool:
        """Say whether there is no gold, and no reviewer is paused."""
        return not self.gold and not self.paused


@dataclass(frozen=True)
class GoldStates:
    """The gold_state of each project.

    Changes of another replica, and those made while it is read, are seen after two seconds.
    """

    now: Callable[[], datetime]
    _known: dict[str, GoldState] = field(default_factory=dict)

    def last(self, project: str) -> GoldState | None:
        """Return a project's gold_state as it was last read, which may have changed since."""
        return self._known.get(project)

    async def of(self, session: Session, project: str) -> GoldState:
        """Return a project's gold_state."""
        found = self._known.get(project)
        if found is None or not found.read_at <= self.now() < found.read_at + _KNOWN_FOR:
            found = self._known[project] = GoldState(
                read_at=self.now(),
                gold=await known.is_gold(session, project),
                paused=await pauses.paused(session, project),
                resumed=await pauses.resumptions(session, project),
            )
        return found

    def forget(self, project: str) -> None:
        """Read a project's gold_state anew at the next lease; called once a change is committed."""
        self._known.pop(project, None)
