"""Routes of feedback."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from services.review_queue.access import ByAnybody, ByOperator, ByReviewer, InServices
from services.review_queue.feedback.messages import (
    Feedback,
    FeedbackAnswer,
    FeedbackList,
    NewFeedback,
)
from services.review_queue.problems import ItemErased
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
    project: str, body: NewFeedback, services: InServices, who: ByReviewer
) -> Feedback:
    """Keep a remark; everybody who works on the project sees it, and its answer."""
    return await services.feedback.give(project, body, who.subject)


@router.get(
    "",
    summary="List feedback, newest first",
    responses=declare(Unauthorized, Forbidden, NotFound, Unprocessable),
)
async def list_feedback(
    project: str,
    services: InServices,
    _: ByAnybody,
    limit: Limit = 100,
    after: After = None,
    answered: Annotated[bool | None, Query()] = None,
) -> FeedbackList:
    """Return what was said, with its answers; `answered=false` what waits for one."""
    return await services.feedback.page(
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
    services: InServices,
    who: ByOperator,
) -> Feedback:
    """Answer a remark, once."""
    return await services.feedback.answer(project, feedback_id, body, who.subject)
