"""Pages of reviewers."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.review_queue.projects.service import ProjectService
from services.review_queue.quality.gold.pausing import PauseService
from services.review_queue.quality.reviewers.service import ReviewerService
from services.review_queue.ui.entry import EntryService
from services.review_queue.ui.markup import instructions_html
from services.review_queue.ui.progress import ProgressService
from services.review_queue.ui.routes.sessions import PageRoute
from services.review_queue.ui.site import page
from shared.contracts.base import UtcTime, utc_now
from shared.http.access import ByReviewer, Injected

router = APIRouter(prefix="/ui/p/{project}", route_class=PageRoute, include_in_schema=False)

# A reviewer's own day; where the browser does not say when it began, that of UTC.
Since = Annotated[UtcTime | None, Query()]


def day_of(since: datetime | None) -> datetime:
    """Return when the day began."""
    return since or utc_now().replace(hour=0, minute=0, second=0, microsecond=0)


@router.get("")
async def review(
    project: str,
    projects: Injected[ProjectService],
    pauses: Injected[PauseService],
    entry: Injected[EntryService],
    who: ByReviewer,
) -> Response:
    """Show the desk at which tasks are answered; its script fetches them one by one."""
    document = await projects.get(project)
    pause = await pauses.of(project, who.subject)
    if pause is not None:
        return page("paused.html", who=who, project=document, pause=pause)
    return page(
        "review.html",
        who=who,
        project=document,
        instructions=instructions_html(document.instructions),
        has_read=await entry.has_read(document, who.subject),
    )


@router.get("/me")
async def me(
    project: str,
    projects: Injected[ProjectService],
    records: Injected[ProgressService],
    reviewers: Injected[ReviewerService],
    who: ByReviewer,
    since: Since = None,
) -> Response:
    """Show the reviewer's own statistics."""
    document = await projects.get(project)
    return page(
        "statistics.html",
        who=who,
        project=document,
        today=await records.progress(project, who.subject, day_of(since)),
        by_label=await records.by_label(project, who.subject),
        own=await reviewers.own(project, who.subject),
    )
