"""Pages of reviewers."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.console.pages.desk import adjudication, feedback, work
from services.console.web.markup import instructions_html
from services.console.web.paging import LIMIT, paging
from services.console.web.project_pages import get
from services.console.web.renewal import renew
from services.console.web.visit import AtDesk, desk_path
from shared.contracts.base import UtcTime

router = APIRouter(include_in_schema=False)


@router.get("/review")
async def home(visit: AtDesk, after: str | None = None) -> Response:
    """Offer the projects that one may enter; a single one is entered at once."""
    params = {"limit": LIMIT, "after": after}
    listed = await visit.api.call("review_queue", "GET", "/v1/projects", params=params)
    projects = listed["projects"]
    if len(projects) == 1 and not after:
        return visit.to(desk_path(projects[0]["project"]))
    links = paging(visit.request, listed["cursor"])
    page = visit.page("desk/projects.html", projects=projects, paging=links)
    await renew(visit, page)
    return page


@router.get("/review/{name}")
async def review(visit: AtDesk, name: str) -> Response:
    """Show the desk at which tasks are answered; its script fetches them one by one."""
    project, standing = await asyncio.gather(
        get(visit, "review_queue", name), visit.api.reviewers.standing(name)
    )
    page = visit.page(
        "desk/review.html" if standing.pause is None else "desk/paused.html",
        project=project,
        view="Review",
        pause=standing.pause,
        instructions=instructions_html(project["instructions"]),
        has_read=standing.has_read,
    )
    await renew(visit, page)
    return page


@router.get("/review/{name}/me")
async def me(
    visit: AtDesk, name: str, since: Annotated[UtcTime | None, Query()] = None
) -> Response:
    """Show the reviewer's own statistics; `since` is when the day began."""
    project, today, by_label, own = await asyncio.gather(
        get(visit, "review_queue", name),
        visit.api.reviewers.progress(name, since=since),
        visit.api.reviewers.labels(name),
        visit.api.reviewers.me(name),
    )
    return visit.page(
        "desk/statistics.html",
        project=project,
        view="My statistics",
        today=today,
        by_label=by_label,
        own=own,
    )


for part in (work, adjudication, feedback):
    router.include_router(part.router)
