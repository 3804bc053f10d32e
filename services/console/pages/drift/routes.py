"""The page of drift."""

from typing import Any

from fastapi import APIRouter, Response

from services.console.pages.drift import view
from services.console.web.cards import card, words_of
from services.console.web.project_pages import call, load_project, project_page
from services.console.web.visit import Posted, Visit, Visited, page_path
from surehand import SurehandError

router = APIRouter(include_in_schema=False)


@router.get("/projects/{name}/drift")
async def show(visit: Visited, name: str) -> Response:
    """Show whether the items have changed, or where the champion fails most."""
    if visit.fragment == "slices":
        found = await card(call(visit, "trainer", "GET", name, "slices"))
        return visit.page(
            "drift/_slices.html",
            slices=found,
            slice_rows=view.slice_rows(found.value) if found else [],
            group_rows=view.group_rows(found.value) if found else [],
            project={"project": name},
        )
    return await _page(visit, name)


@router.post("/projects/{name}/drift")
async def act(form: Posted, name: str) -> Response:
    """Take the new items as the usual ones."""
    try:
        await call(form.visit, "trainer", "POST", name, "drift/accept")
    except SurehandError as error:
        return await _page(form.visit, name, fault=words_of(error), status=409)
    return form.visit.to(f"{page_path(name)}/drift", "drift-accepted")


async def _page(
    visit: Visit, name: str, *, fault: str | None = None, status: int = 200
) -> Response:
    project = await load_project(visit, name)
    drift = await card(call(visit, "trainer", "GET", name, "drift"))
    context: dict[str, Any] = {"drift": drift, "fault": fault or project.get("away")}
    if drift:
        found = drift.value
        context |= {
            "light": view.light(found["level"]),
            "tiles": view.tiles(found),
            "charts": view.charts(found),
            "stream_rows": view.stream_rows(found),
            "label_rows": view.label_rows(found),
        }
    return project_page(visit, project, "Drift", "drift/page.html", status=status, **context)
