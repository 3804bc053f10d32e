"""Projects, as the store has them: the trainer owns none and keeps no copy."""

import structlog
from pydantic import ValidationError

from shared.contracts.projects import Project
from shared.fields.types import unknown_types
from shared.problems import NotFound, Unavailable
from shared.store import Store, project_path

log = structlog.get_logger()


class Projects:
    """Looks projects up in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: dict[str, Project | None] = {}

    async def find(self, name: str) -> Project | None:
        """Return the project, None when the store has none of this name or it is unreadable."""
        found = await self.stored(name)
        return None if found is None or found.deleted_at is not None else found

    async def stored(self, name: str) -> Project | None:
        """Return the same, but also what the store says of a deleted project."""
        try:
            found: Project | None = await self._read(name)
        except NotFound:
            found = None
        except Unavailable as problem:
            log.exception("project_unreadable", project=name, cause=problem.detail)
            found = None
        self._last[name] = None if found is None or found.deleted_at is not None else found
        return found

    async def last(self, name: str) -> Project | None:
        """Return the project as it was found last; look now if it was never."""
        return self._last[name] if name in self._last else await self.find(name)

    async def require(self, name: str) -> Project:
        """Return the project; `NotFound` without one, `Unavailable` when it is unreadable."""
        project = await self._read(name)
        if project.deleted_at is not None:
            raise NotFound("The project was deleted.", project=name)
        return project

    async def _read(self, name: str) -> Project:
        try:
            project = await self._store.read_document(project_path(name), Project)
        except ValidationError as error:
            raise Unavailable("The project's document cannot be read; store it anew.") from error
        if project is None:
            raise NotFound("There is no such project; PUT it at the review queue.", project=name)
        if unknown := unknown_types(project.fields):
            # No model here can be fed from them, and a certificate would speak of less than all.
            fields = ", ".join(f"{field} ({kind})" for field, kind in unknown.items())
            raise Unavailable(f"Update the trainer: it does not know the type of {fields}.")
        return project


def work_bell(project: str) -> str:
    """Rung when the trainer itself has something to do for a project."""
    return f"trainer.{project}"
