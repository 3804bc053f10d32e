"""What the lease path must know of each project's gold and pauses, read anew every two seconds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeGuard

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.gold import known, pauses

_KNOWN_FOR = timedelta(seconds=2)


@dataclass(frozen=True)
class Posture:
    """Whether a project has gold, who is paused in it, and when others were last resumed."""

    read_at: datetime
    gold: bool
    paused: frozenset[str]
    resumed: Mapping[str, datetime]


@dataclass(frozen=True)
class Postures:
    """The posture of each project; another replica's changes are seen after two seconds."""

    now: Callable[[], datetime]
    _known: dict[str, Posture] = field(default_factory=dict)

    def is_plain(self, project: str) -> bool:
        """Say whether it is known that the project has no gold, and nobody is paused in it."""
        found = self._known.get(project)
        return self._is_new(found) and not found.gold and not found.paused

    async def of(self, session: AsyncSession, project: str) -> Posture:
        """Return a project's posture."""
        found = self._known.get(project)
        if not self._is_new(found):
            found = self._known[project] = Posture(
                read_at=self.now(),
                gold=await known.any_gold(session, project),
                paused=await pauses.paused(session, project),
                resumed=await pauses.resumptions(session, project),
            )
        return found

    def _is_new(self, found: Posture | None) -> TypeGuard[Posture]:
        if found is None:
            return False
        return found.read_at <= self.now() < found.read_at + _KNOWN_FOR

    def forget(self, project: str) -> None:
        """Read a project's posture anew at the next lease; called once a change is committed."""
        self._known.pop(project, None)
