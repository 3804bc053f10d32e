"""Projects that are known already: reading and checking one anew costs more than a lease."""

from dataclasses import dataclass, field

from services.review_queue.projects.reading import current_project
from shared.contracts.projects import Project
from shared.db import Session


@dataclass(frozen=True)
class ProjectCache:
    """The newest revision of each project that was needed so far."""

    _known: dict[str, Project] = field(default_factory=dict)

    async def at(self, session: Session, name: str, revision: int) -> Project:
        """Return the project whose row says that it is at `revision`.

        Raises `NotFound` (there is no such project).
        """
        known = self._known.get(name)
        if known is None or known.revision != revision:
            known = self._known[name] = await current_project(session, name)
        return known
