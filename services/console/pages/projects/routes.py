"""All projects, a row each."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response

from services.console.charts.sparkline import DAYS
from services.console.pages.projects.view import project_row
from services.console.web.cards import card
from services.console.web.paging import LIMIT, paging
from services.console.web.renewal import renew
from services.console.web.visit import AtDesk, Visit

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show(visit: AtDesk, after: str | None = None) -> Response:
    """Show an operator the projects, and send a reviewer to the desk."""
    if not visit.session.is_operator:
        return visit.to("/review")
    path = "/v1/overview"
    params = {"limit": LIMIT, "after": after}
    listed = await card(visit.api.call("review_queue", "GET", path, params=params))
    projects = listed.listed("projects")
    names = [one["project"] for one in projects if not one.get("archived_at")]
    of = visit.request.app.state.promises.of
    promises, days = await asyncio.gather(
        of(visit.api, visit.session.token, names), _days(visit, names)
    )
    context: dict[str, Any] = {
        "rows": [
            project_row(one, promises.get(one["project"]), visit.now, days.get(one["project"], []))
            for one in projects
        ],
        "paging": paging(visit.request, listed.cursor),
        "away": listed.fault,
    }
    template = "projects/_list.html" if visit.fragment == "list" else "projects/page.html"
    page = visit.page(template, **context)
    await renew(visit, page)
    return page


async def _days(visit: Visit, names: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the decisions a day of these projects, in one call; of none if it takes too long."""
    if not names:
        return {}
    params = {"project": names, "days": DAYS}
    asked = card(visit.api.call("trainer", "GET", "/v1/decisions/days", params=params))
    try:
        async with asyncio.timeout(visit.request.app.state.promises.patience_seconds):
            found = await asked
    except TimeoutError:
        return {}
    return {one["project"]: one["days"] for one in found.value["projects"]} if found else {}
