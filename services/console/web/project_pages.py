"""Pages of one project: what they share."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Response

from services.console.web.cards import away_words, words_of
from services.console.web.visit import Form, Visit, page_path, project_path
from surehand import SurehandError, Unavailable

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


async def acted(
    form: Form,
    name: str,
    view: str,
    act: Callable[[Form, str], Awaitable[str]],
    page: Callable[..., Awaitable[Response]],
    invalid: str | None = None,
    **kept: Any,
) -> Response:
    """Let `act` do what a form of the view asks, and show the notice that it returns.

    A refusal is told on `page`, which gets what was `kept` of the form; `invalid` are the words for
    a field that is no number, if one may be.
    """
    try:
        notice = await act(form, name)
    except SurehandError as error:
        return await page(form.visit, name, fault=words_of(error), status=409, **kept)
    except ValueError:
        if invalid is None:
            raise
        return await page(form.visit, name, fault=invalid, status=422, **kept)
    return form.visit.to(f"{page_path(name)}{view}", notice)
