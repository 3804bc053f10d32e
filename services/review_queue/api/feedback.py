"""Routes of feedback."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from services.review_queue.api.access import ByAnybody, ByOperator, ByReviewer, InRooms
from services.review_queue.errors import ItemErased
from services.review_queue.feedback.messages import (
    Feedback,
    FeedbackAnswer,
    FeedbackList,
    NewFeedback,
)
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_position
from shared.problems import (
    BodyTooLarge,
    Conflict,
    Forbidden,
    NotFound,
    NotJson,
    Unauthorized,
    Unprocessable,
    declare,
)

router = APIRouter(
    prefix="/v1/projects/{project}/feedback", route_class=StrictRoute, tags=["feedback"]
)

_ERRORS = declare(NotJson, Unauthorized, Forbidden, NotFound, BodyTooLarge, Unprocessable)
_LARGEST = 2**63 - 1


@router.post(
    "",
    summary="Say something of an item, a label or the instructions",
    responses=_ERRORS | declare(ItemErased),
)
async def post_feedback(
    project: str, body: NewFeedback, rooms: InRooms, who: ByReviewer
) -> Feedback:
    """Keep a remark; everybody who works on the project sees it, and its answer."""
    return await rooms.feedback.give(project, body, who.subject)


@router.get(
    "",
    summary="List feedback, newest first",
    responses=declare(Unauthorized, Forbidden, NotFound, Unprocessable),
)
async def list_feedback(
    project: str,
    rooms: InRooms,
    _: ByAnybody,
    limit: Limit = 100,
    after: After = None,
    answered: Annotated[bool | None, Query()] = None,
) -> FeedbackList:
    """Return what was said, with its answers; `answered=false` what waits for one."""
    return await rooms.feedback.page(
        project, before=decode_position(after) or None, answered=answered, limit=limit
    )


@router.post(
    "/{feedback_id}/answer",
    summary="Answer feedback",
    responses=_ERRORS | declare(Conflict, ItemErased),
)
async def answer_feedback(
    project: str,
    feedback_id: Annotated[int, Path(ge=1, le=_LARGEST)],
    body: FeedbackAnswer,
    rooms: InRooms,
    who: ByOperator,
) -> Feedback:
    """Answer a remark, once."""
    return await rooms.feedback.answer(project, feedback_id, body, who.subject)
