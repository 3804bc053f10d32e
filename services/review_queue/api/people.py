"""Routes of what is known of people: agreement, reviewers, suspects."""

from fastapi import APIRouter

from services.review_queue.api.access import ByOperator, ByReviewer, InRooms
from services.review_queue.people.messages import (
    Agreement,
    ReviewerList,
    ReviewerStatistics,
    SuspectList,
)
from services.review_queue.people.suspects import Place
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_cursor
from shared.problems import Forbidden, NotFound, Unauthorized, Unprocessable, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["people"])

_REFUSED = declare(Unauthorized, Forbidden, NotFound)
_LIST_REFUSED = declare(Unauthorized, Forbidden, NotFound, Unprocessable)
_NO_CURSOR = [("/query/after", "is not a cursor of this list")]


@router.get("/agreement", summary="How far people and models agree", responses=_REFUSED)
async def get_agreement(project: str, rooms: InRooms, _: ByOperator) -> Agreement:
    """Compare the newest tasks that several people answered, at most 50,000.

    Krippendorff's alpha and Gwet's AC1 over all, each with a 95 % bootstrap interval over tasks;
    Cohen's kappa of each two reviewers (the 100 busiest); and each model version against people.
    """
    return await rooms.agreement.of(project)


@router.get("/reviewers", summary="What reviewers have done", responses=_LIST_REFUSED)
async def list_reviewers(
    project: str, rooms: InRooms, _: ByOperator, limit: Limit = 100, after: After = None
) -> ReviewerList:
    """Return reviewers by name."""
    place = decode_cursor(after) or ""
    if "\x00" in place:
        raise Unprocessable(_NO_CURSOR)
    return await rooms.reviewers.page(project, after=place, limit=limit)


@router.get("/reviewers/me", summary="What I have done", responses=_REFUSED)
async def get_own_statistics(project: str, rooms: InRooms, who: ByReviewer) -> ReviewerStatistics:
    """Return the caller's own statistics, the same that the operator sees."""
    return await rooms.reviewers.one(project, who.subject)


@router.get("/suspects", summary="What looks mislabelled", responses=_LIST_REFUSED)
async def list_suspects(
    project: str, rooms: InRooms, _: ByOperator, limit: Limit = 100, after: After = None
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
    return await rooms.suspects.page(project, after=place, limit=limit)
