"""Pages of one project: what they share."""

from typing import Any

from fastapi import Response

from services.console.web.cards import away_words
from services.console.web.visit import Visit, project_path
from surehand import Unavailable

VIEWS = (
    ("Promise", ""),
    ("Queue", "/queue"),
    ("People", "/people"),
    ("Versions", "/versions"),
    ("Drift", "/drift"),
    ("Data", "/data"),
    ("Items", "/items"),
    ("Settings", "/settings"),
    ("Activity", "/activity"),
)

Project = dict[str, Any]


async def load_project(visit: Visit, name: str) -> Project:
    """Return the project's document; a stub of it, with `away`, while the review queue is away.

    Raises `ProblemError` (there is no such project, or it is not this person's).
    """
    try:
        project: Project = await visit.api.call("review_queue", "GET", project_path(name))
    except Unavailable as error:
        return {"project": name, "title": "", "archived_at": None, "away": away_words(error)}
    return project


async def call(
    visit: Visit, service: Any, method: str, project: str, path: str = "", **options: Any
) -> Any:
    """Call a service at a path of the project."""
    whole = project_path(project) + (f"/{path}" if path else "")
    return await visit.api.call(service, method, whole, **options)


async def get(visit: Visit, service: Any, project: str, path: str = "", **params: Any) -> Any:
    """Read a service at a path of the project; `params` are those of the query."""
    return await call(visit, service, "GET", project, path, params=params)


def project_page(
    visit: Visit,
    project: Project,
    view: str,
    template: str,
    *,
    status: int = 200,
    fault: str | None = None,
    **context: Any,
) -> Response:
    """Return a page of a project; `fault` says why what was asked for was not done."""
    given = {
        "project": project,
        "view": view,
        "views": VIEWS,
        "charts_script": visit.request.app.state.bundle.name,
        "fault": fault or project.get("away"),
    }
    return visit.page(template, status=status, **(given | context))
