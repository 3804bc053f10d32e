"""Routes of what is known of people: agreement, reviewers, suspects."""

from fastapi import APIRouter

from services.review_queue.quality.gold.messages import PauseReason
from services.review_queue.quality.gold.pausing import PauseService
from services.review_queue.quality.reviewers.comparing import AgreementService
from services.review_queue.quality.reviewers.messages import (
    Agreement,
    ReviewerList,
    ReviewerReport,
    ReviewerStatistics,
    SuspectList,
)
from services.review_queue.quality.reviewers.reviewers import ReviewerService
from services.review_queue.quality.reviewers.suspects import Place, SuspectService
from shared.contracts.tasks import Reviewer
from shared.http.access import ByOperator, ByReviewer, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_cursor
from shared.problems import (
    BodyTooLarge,
    Forbidden,
    NotFound,
    NotJson,
    Unauthorized,
    Unprocessable,
    declare,
)

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["people"])


_REFUSED = declare(Unauthorized, Forbidden, NotFound)
_LIST_REFUSED = declare(Unauthorized, Forbidden, NotFound, Unprocessable)
_WITH_BODY = declare(NotJson, Unauthorized, Forbidden, NotFound, BodyTooLarge, Unprocessable)
_NO_CURSOR = [("/query/after", "is not a cursor of this list")]


@router.get("/agreement", summary="How far people and models agree", responses=_REFUSED)
async def get_agreement(
    project: str, agreement: Injected[AgreementService], _: ByOperator
) -> Agreement:
    """Compare the newest tasks that several people answered, at most 50,000.

    Krippendorff's alpha, Gwet's AC1 and, where it is defined, Fleiss' kappa over all, each with a
    95 % bootstrap interval over tasks; Cohen's kappa of each two reviewers (the 100 busiest), of
    each model version and reviewer, and of each version and the outcomes, with its interval.
    """
    return await agreement.of(project)


@router.get("/reviewers", summary="What reviewers have done", responses=_LIST_REFUSED)
async def list_reviewers(
    project: str,
    reviewers: Injected[ReviewerService],
    _: ByOperator,
    limit: Limit = 100,
    after: After = None,
) -> ReviewerList:
    """Return reviewers by name, with how they fare on gold and who is paused, and why."""
    place = decode_cursor(after) or ""
    if "\x00" in place:
        raise Unprocessable(_NO_CURSOR)
    return await reviewers.page(project, after=place, limit=limit)


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
    """Pause a reviewer, also one who has done nothing yet; what he holds he may finish.

    He is told the reason. Who is paused already stays so, for the reason he was.
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
    """Resume a reviewer; what he answered before is not held against him again."""
    await pauses.resume(project, reviewer, who.subject)
    return await reviewers.report(project, reviewer)


@router.get("/suspects", summary="What looks mislabelled", responses=_LIST_REFUSED)
async def list_suspects(
    project: str,
    suspects: Injected[SuspectService],
    _: ByOperator,
    limit: Limit = 100,
    after: After = None,
) -> SuspectList:
    """Return resolved tasks whose label the model doubts most, by confident learning.

    Of the newest 20,000 (fewer, where labels are many) whose prediction has probabilities. An order
    for a second look: about half are really wrong, and nothing is changed by itself. Evidence is
    left out: corrected where a model doubts it, it would speak for that model.
    """
    text = decode_cursor(after)
    place = None if text is None else Place.parse(text)
    if text is not None and place is None:
        raise Unprocessable(_NO_CURSOR)
    return await suspects.page(project, after=place, limit=limit)
