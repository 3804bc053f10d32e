"""Projects as their rows hold them."""

from typing import Any

from services.review_queue.repository.projects import require_project
from services.review_queue.tables import ProjectRow
from shared.contracts.base import from_stored, rfc3339
from shared.contracts.projects import Project
from shared.db import Row, Session
from shared.problems.archived import ProjectArchived


async def current_project(session: Session, name: str) -> Project:
    """Return the project as it stands; `NotFound` when there is none."""
    return project_of(await require_project(session, name))


async def open_project(session: Session, name: str) -> Project:
    """Return the project; `NotFound` when there is none, `ProjectArchived` when it is archived."""
    project = await current_project(session, name)
    if project.archived_at is not None:
        raise ProjectArchived(name)
    return project


def project_of(row: ProjectRow | Row) -> Project:
    """Return the project that a row holds."""
    return from_stored(Project, stored_document(row))


def stored_document(row: ProjectRow | Row) -> dict[str, Any]:
    """Return project.json, with what only a later release than this one knows of the project."""
    return {
        **row.spec,
        "project": row.name,
        "revision": row.revision,
        "instructions_revision": row.instructions_revision,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    }
