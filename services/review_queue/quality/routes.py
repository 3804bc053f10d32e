"""Routes of what is known of people: agreement, errors, reviewers and their tags, suspects."""

from fastapi import APIRouter

from services.review_queue.quality.agreement.messages import Agreement
from services.review_queue.quality.agreement.service import AgreementService
from services.review_queue.quality.gold.messages import PauseReason
from services.review_queue.quality.gold.pausing import PauseService
from services.review_queue.quality.human_error.service import HumanErrorService
from services.review_queue.quality.reviewers.messages import (
    ReviewerList,
    ReviewerReport,
    ReviewerStatistics,
    ReviewerTags,
    TagsBody,
)
from services.review_queue.quality.reviewers.service import ReviewerService
from services.review_queue.quality.suspects.messages import SuspectList
from services.review_queue.quality.suspects.service import SuspectCursor, SuspectService
from services.review_queue.quality.tags.service import TagService
from shared.contracts.human_error import HumanError
from shared.contracts.tasks import Reviewer
from shared.http.access import ByOperator, ByReviewer, ByService, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, parse_cursor

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["people"])


@router.get("/agreement", summary="How far people and models agree")
async def get_agreement(
    project: str, agreement: Injected[AgreementService], _: ByOperator
) -> Agreement:
    """Compare the newest tasks that several people answered, at most 50,000.

    Krippendorff's alpha, Gwet's AC1 and, where it is defined, Fleiss' kappa over all, each with a
    95 % bootstrap interval over tasks; Cohen's kappa of each two reviewers (the 100 busiest), of
    each model version and reviewer, and of each version and the outcomes, with its interval.
    """
    return await agreement.of(project)


@router.get("/human-error", summary="Count reviewers' misses on gold, and their disagreements")
async def get_human_error(
    project: str, errors: Injected[HumanErrorService], _: ByService
) -> HumanError:
    """Count what the trainer needs to allow for reviewers' errors in a certificate.

    Misses are counted on gold that the model had got wrong, disagreements on items that two
    reviewers answered; both only where no suggestion was shown.
    """
    return await errors.of(project)


@router.get("/reviewers", summary="What reviewers have done")
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


@router.get("/reviewers/me", summary="What I have done")
async def get_own_statistics(
    project: str, reviewers: Injected[ReviewerService], who: ByReviewer
) -> ReviewerStatistics:
    """Return the caller's own statistics; `gold` as it stood when the day (UTC) began."""
    return await reviewers.own(project, who.subject)


@router.post("/reviewers/{reviewer:path}/pause", summary="Give a reviewer no more tasks")
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


@router.post("/reviewers/{reviewer:path}/resume", summary="Give a reviewer tasks again")
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


@router.get("/reviewers/{reviewer:path}/tags", summary="What a reviewer can do")
async def get_tags(
    project: str, reviewer: Reviewer, tags: Injected[TagService], _: ByOperator
) -> ReviewerTags:
    """Return the reviewer's tags, also before the reviewer's first sign-in."""
    return await tags.show(project, reviewer)


@router.put("/reviewers/{reviewer:path}/tags", summary="Say what a reviewer can do")
async def put_tags(
    project: str, reviewer: Reviewer, body: TagsBody, tags: Injected[TagService], _: ByOperator
) -> ReviewerTags:
    """Replace the reviewer's tags: tasks are given only to reviewers whose tags cover their needs.

    `review.match` of the project says which metadata makes needs. A task that the reviewer holds
    may be finished.
    """
    return await tags.put(project, reviewer, body.tags)


@router.get("/suspects", summary="What looks mislabelled")
async def list_suspects(
    project: str,
    suspects: Injected[SuspectService],
    _: ByOperator,
    limit: Limit = 100,
    after: After = None,
) -> SuspectList:
    """Return resolved tasks whose label the model doubts most, by confident learning.

    Of the newest 20,000 (fewer, where labels are many) whose prediction has probabilities. An order
    for a second look: many of them are right, and nothing is changed by itself. Evidence is left
    out: corrected where a model doubts it, it would speak for that model.
    """
    cursor = parse_cursor(after, SuspectCursor.parse)
    return await suspects.page(project, after=cursor, limit=limit)
