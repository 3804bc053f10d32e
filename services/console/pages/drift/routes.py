"""The page of drift."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.console.pages.drift import view
from services.console.web.cards import card, cards
from services.console.web.project_pages import acted, call, get, load_project, project_page
from services.console.web.visit import Form, Posted, Visit, Visited

router = APIRouter(include_in_schema=False)
_PLANS = 5


@router.get("/projects/{name}/drift")
async def show(visit: Visited, name: str) -> Response:
    """Show whether the items have changed, or where the champion fails most."""
    if visit.fragment == "slices":
        found = await card(get(visit, "trainer", name, "slices"))
        return visit.page("drift/_slices.html", slices=found, project={"project": name})
    return await _page(visit, name)


@router.post("/projects/{name}/drift")
async def act(form: Posted, name: str) -> Response:
    """Accept the new items as the reference, make a relabel plan, or start one."""
    invalid = "Say how many labels to plan: a whole number."
    return await acted(form, name, "/drift", _act, _page, invalid)


async def _act(form: Form, name: str) -> str:
    what = form.text("act")
    if what == "plan":
        body = {"labels": int(form.text("labels"))}
        await call(form.visit, "trainer", "POST", name, "relabel-plans", json=body)
        return "planned"
    if what == "start":
        path = f"relabel-plans/{quote(form.text('plan'), safe='')}/start"
        await call(form.visit, "trainer", "POST", name, path)
        return "plan-started"
    await call(form.visit, "trainer", "POST", name, "drift/accept")
    return "drift-accepted"


async def _page(visit: Visit, name: str, **refusal: Any) -> Response:
    project = await load_project(visit, name)
    context: dict[str, Any] = await cards(
        drift=get(visit, "trainer", name, "drift"),
        plans=get(visit, "trainer", name, "relabel-plans"),
    )
    context["newest_plans"] = context["plans"].listed("plans")[:_PLANS]
    if context["drift"]:
        found = context["drift"].value
        context |= {
            "light": view.light(found["level"]),
            "charts": view.charts(found),
        }
    return project_page(visit, project, "Drift", "drift/page.html", **context, **refusal)
