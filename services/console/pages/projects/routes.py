"""All projects, a row each."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response

from services.console.charts.sparkline import DAYS
from services.console.pages.projects.view import project_row
from services.console.web.cards import Card, card
from services.console.web.paging import LIMIT, paging
from services.console.web.session import keep_session, read_token
from services.console.web.visit import Visit, Visited

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show(visit: Visited, after: str | None = None) -> Response:
    """Show the projects that the person may enter."""
    # Figures are for operators; reviewers get the names of their projects.
    path = "/v1/overview" if visit.session.is_operator else "/v1/projects"
    params = {"limit": LIMIT, "after": after}
    listed = await card(visit.api.call("review_queue", "GET", path, params=params))
    projects: list[dict[str, Any]] = listed.value["projects"] if listed else []
    promises: dict[str, Card] = {}
    days: dict[str, list[dict[str, Any]]] = {}
    if visit.session.is_operator:
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
        "paging": paging(visit.request, listed.value["cursor"] if listed else None),
        "away": listed.fault,
    }
    template = "projects/_list.html" if visit.fragment == "list" else "projects/page.html"
    page = visit.page(template, **context)
    if visit.session.is_to_be_renewed and visit.fragment is None:
        await _renew(visit, page)
    return page


async def _days(visit: Visit, names: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the decisions a day of these projects, in one call; of none while it fails."""
    if not names:
        return {}
    params = {"project": names, "days": DAYS}
    found = await card(visit.api.call("trainer", "GET", "/v1/decisions/days", params=params))
    return {one["project"]: one["days"] for one in found.value["projects"]} if found else {}


async def _renew(visit: Visit, page: Response) -> None:
    """Let a session from a one-time link last on, where its link still allows that."""
    renewed = await card(visit.api.call("review_queue", "POST", "/v1/links/renew"))
    session = read_token(str(renewed.value["token"])) if renewed else None
    if session is not None:
        keep_session(visit.request, page, session)
