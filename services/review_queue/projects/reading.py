"""Projects as their rows hold them."""

from dataclasses import dataclass, field
from typing import Any

from services.review_queue.repository.projects import require_project
from services.review_queue.tables import ProjectRow
from shared.contracts.base import from_stored, rfc3339
from shared.contracts.projects import Project, ProjectSpec
from shared.db import Row, Session
from shared.problems import NotFound, ProjectArchived

# What the service itself sets, where it does.
_UNLESS_NULL = ("rewording", "archived_at")


async def current_project(session: Session, name: str) -> Project:
    """Return the project as it stands; `NotFound` when there is none."""
    return project_of(await require_project(session, name))


async def project_if_any(session: Session, name: str) -> Project | None:
    """Return the project as it stands; None when there is none, or none any longer."""
    try:
        return await current_project(session, name)
    except NotFound:
        return None


async def open_project(session: Session, name: str) -> Project:
    """Return the project; `NotFound` when there is none, `ProjectArchived` when it is archived."""
    project = await current_project(session, name)
    if project.archived_at is not None:
        raise ProjectArchived(name)
    return project


@dataclass(frozen=True)
class ProjectCache:
    """The newest revision of each project so far: to read one anew costs more than a lease."""

    _known: dict[str, Project] = field(default_factory=dict)

    async def at(self, session: Session, name: str, revision: int) -> Project:
        """Return the project whose row says that it is at `revision`.

        Raises `NotFound` (there is no such project).
        """
        known = self._known.get(name)
        if known is None or known.revision != revision:
            known = self._known[name] = await current_project(session, name)
        return known


def project_of(row: ProjectRow | Row) -> Project:
    """Return the project that a row holds."""
    return from_stored(Project, stored_document(row))


def stored_document(row: ProjectRow | Row) -> dict[str, Any]:
    """Return project.json, with what only a later release than this one knows of the project."""
    deleted = {} if row.deleted_at is None else {"deleted_at": rfc3339(row.deleted_at)}
    return {
        **row.spec,
        **deleted,
        "project": row.name,
        "revision": row.revision,
        "first_revision": row.first_revision,
        "instructions_revision": row.instructions_revision,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    }


def hold(row: ProjectRow, after: Project) -> None:
    """Let the row hold the project's next revision."""
    # Members that only a later release knows are dropped: one of them might speak for the
    # instructions as they were.
    row.spec = spec_of(after)
    row.revision = after.revision
    row.instructions_revision = after.instructions_revision
    row.updated_at = after.updated_at


def spec_of(project: Project) -> dict[str, Any]:
    """Return what the row keeps as JSON: all but what has a column."""
    kept = {*ProjectSpec.model_fields, *_UNLESS_NULL}
    spec = project.model_dump(mode="json", include=kept)
    for name in _UNLESS_NULL:
        if spec[name] is None:
            del spec[name]
    return spec
