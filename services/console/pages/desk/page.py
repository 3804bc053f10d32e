"""Pages of a project's desk: what they share."""

from typing import Any

from fastapi import Response

from services.console.web.project_pages import Project
from services.console.web.visit import Visit, project_path


async def load(visit: Visit, name: str) -> Project:
    """Return the project's document.

    Raises `ProblemError` (there is no such project, or it is not this person's) and `Unavailable`.
    """
    project: Project = await visit.api.call("review_queue", "GET", project_path(name))
    return project


def desk_page(
    visit: Visit, project: Project, view: str, template: str, *, status: int = 200, **context: Any
) -> Response:
    """Return a page of the desk."""
    given = {"project": project, "view": view}
    return visit.page(f"desk/{template}", status=status, **(given | context))
