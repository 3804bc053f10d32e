"""All projects, a row each."""

from typing import Any

from fastapi import APIRouter, Response

from services.console.pages.projects.view import project_row
from services.console.web.cards import card
from services.console.web.paging import LIMIT, paging
from services.console.web.visit import Visited

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show(visit: Visited, after: str | None = None) -> Response:
    """Show the projects that the person may enter."""
    listed = await card(
        visit.api.call(
            "review_queue", "GET", "/v1/projects", params={"limit": LIMIT, "after": after}
        )
    )
    projects: list[dict[str, Any]] = listed.value["projects"] if listed else []
    summaries: dict[str, Any] = {}
    if visit.session.is_operator:
        names = [one["project"] for one in projects if not one.get("archived_at")]
        summaries = await visit.request.app.state.summaries.of(
            visit.api, visit.session.token, names
        )
    context: dict[str, Any] = {
        "rows": [project_row(one, summaries.get(one["project"])) for one in projects],
        "paging": paging(visit.request, listed.value["cursor"] if listed else None),
        "away": listed.fault,
    }
    template = "projects/_list.html" if visit.fragment == "list" else "projects/page.html"
    return visit.page(template, **context)
