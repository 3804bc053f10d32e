"""Who did what."""

from typing import Any

from fastapi import APIRouter, Response

from services.console.web.cards import card
from services.console.web.paging import LIMIT, paging
from services.console.web.project_pages import get, load_project, project_page
from services.console.web.visit import Visited

router = APIRouter(include_in_schema=False)


@router.get("/projects/{name}/activity")
async def show(
    visit: Visited, name: str, actor: str = "", action: str = "", after: str | None = None
) -> Response:
    """Show what people did in the project, the newest first."""
    project = await load_project(visit, name)
    asked = {"actor": actor or None, "action": action or None}
    page = get(visit, "review_queue", name, "activity", **asked, limit=LIMIT, after=after)
    listed = await card(page)
    context: dict[str, Any] = {
        "listed": listed,
        "actor": actor,
        "action": action,
        "paging": paging(visit.request, listed.cursor),
    }
    return project_page(visit, project, "Activity", "activity/page.html", **context)
