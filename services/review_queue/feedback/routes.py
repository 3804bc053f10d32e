"""Routes of feedback."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from services.review_queue.feedback import messages
from services.review_queue.feedback.service import FeedbackService
from services.review_queue.lifecycle.problems import ItemErased
from shared.http.access import ByAnyRole, ByOperator, ByReviewer, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_position
from shared.problems import Conflict, declare

router = APIRouter(
    prefix="/v1/projects/{project}/feedback", route_class=StrictRoute, tags=["feedback"]
)

FeedbackId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.post(
    "",
    summary="Say something of an item, a label or the instructions",
    responses=declare(ItemErased),
)
async def post_feedback(
    project: str, body: messages.NewFeedback, feedback: Injected[FeedbackService], who: ByReviewer
) -> messages.Feedback:
    """Keep a remark; all who work on the project see it, and its answer."""
    return await feedback.give(project, body, who.subject)


@router.get("", summary="List feedback, newest first")
async def list_feedback(
    project: str,
    feedback: Injected[FeedbackService],
    _: ByAnyRole,
    limit: Limit = 100,
    after: After = None,
    answered: Annotated[bool | None, Query()] = None,
) -> messages.FeedbackList:
    """Return what was said, with its answers; `answered=false` what waits for one."""
    before = decode_position(after) or None
    return await feedback.page(project, before=before, answered=answered, limit=limit)


@router.post(
    "/{feedback_id}/answer", summary="Answer feedback", responses=declare(Conflict, ItemErased)
)
async def answer_feedback(
    project: str,
    feedback_id: FeedbackId,
    body: messages.FeedbackAnswer,
    feedback: Injected[FeedbackService],
    who: ByOperator,
) -> messages.Feedback:
    """Answer a remark, once."""
    return await feedback.answer(project, feedback_id, body, who.subject)
