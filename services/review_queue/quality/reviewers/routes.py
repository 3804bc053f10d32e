"""Routes of reviewers: statistics and pauses."""

from fastapi import APIRouter

from services.review_queue.quality.gold.messages import PauseReason
from services.review_queue.quality.gold.pausing import PauseService
from services.review_queue.quality.reviewers.messages import (
    ReviewerList,
    ReviewerReport,
    ReviewerStatistics,
)
from services.review_queue.quality.reviewers.service import ReviewerService
from shared.contracts.tasks import Reviewer
from shared.http.access import ByOperator, ByReviewer, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, parse_cursor
from shared.problems import BODY_PROBLEMS, LIST_PROBLEMS, READ_PROBLEMS, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["people"])

_REFUSED = declare(*READ_PROBLEMS)
_LIST_REFUSED = declare(*LIST_PROBLEMS)
_WITH_BODY = declare(*BODY_PROBLEMS)


@router.get("/reviewers", summary="What reviewers have done", responses=_LIST_REFUSED)
async def list_reviewers(
    project: str,
    reviewers: Injected[ReviewerService],
    _: ByOperator,
    limit: Limit = 100,
    after: After = None,
) -> ReviewerList:
    """Return reviewers by name, with how they fare on gold and who is paused, and why."""
    # Databases do not take every text.
    name = parse_cursor(after, lambda text: None if "\x00" in text else text)
    return await reviewers.page(project, after=name or "", limit=limit)


@router.get("/reviewers/me", summary="What I have done", responses=_REFUSED)
async def get_own_statistics(
    project: str, reviewers: Injected[ReviewerService], who: ByReviewer
) -> ReviewerStatistics:
    """Return the caller's own statistics; `gold` as it stood when the day (UTC) began."""
    return await reviewers.own(project, who.subject)


@router.post(
    "/reviewers/{reviewer:path}/pause",
    summary="Give a reviewer no more tasks",
    responses=_WITH_BODY,
)
async def pause_reviewer(
    project: str,
    reviewer: Reviewer,
    body: PauseReason,
    pauses: Injected[PauseService],
    reviewers: Injected[ReviewerService],
    who: ByOperator,
) -> ReviewerReport:
    """Pause a reviewer, also one without answers; tasks that the reviewer holds may be finished.

    The reviewer is told the reason. A reviewer who is paused already keeps the first reason.
    """
    await pauses.pause(project, reviewer, body.reason, who.subject)
    return await reviewers.report(project, reviewer)


@router.post(
    "/reviewers/{reviewer:path}/resume",
    summary="Give a reviewer tasks again",
    responses=_LIST_REFUSED,
)
async def resume_reviewer(
    project: str,
    reviewer: Reviewer,
    pauses: Injected[PauseService],
    reviewers: Injected[ReviewerService],
    who: ByOperator,
) -> ReviewerReport:
    """Resume a reviewer; earlier answers cause no other pause."""
    await pauses.resume(project, reviewer, who.subject)
    return await reviewers.report(project, reviewer)
