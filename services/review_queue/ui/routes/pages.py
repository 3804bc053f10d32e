"""Pages of reviewers."""

from fastapi import APIRouter, Response

from services.review_queue.desk.progress import ProgressService
from services.review_queue.desk.routes import Since, day_of
from services.review_queue.desk.standing import StandingService
from services.review_queue.projects.service import ProjectService
from services.review_queue.quality.reviewers.service import ReviewerService
from services.review_queue.ui.markup import instructions_html
from services.review_queue.ui.routes.sessions import PageRoute
from services.review_queue.ui.site import page
from shared.http.access import ByReviewer, Injected

router = APIRouter(prefix="/ui/p/{project}", route_class=PageRoute, include_in_schema=False)


@router.get("")
async def review(
    project: str,
    projects: Injected[ProjectService],
    standings: Injected[StandingService],
    who: ByReviewer,
) -> Response:
    """Show the desk at which tasks are answered; its script fetches them one by one."""
    document = await projects.get(project)
    standing = await standings.of(project, who.subject)
    if standing.pause is not None:
        return page("paused.html", who=who, project=document, pause=standing.pause)
    return page(
        "review.html",
        who=who,
        project=document,
        instructions=instructions_html(document.instructions),
        has_read=standing.has_read,
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
