"""The page of feedback: what people say of the work, and what operators answer."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ValidationError

from services.review_queue.feedback import routes as api
from services.review_queue.feedback.messages import FeedbackAnswer, NewFeedback
from services.review_queue.feedback.service import FeedbackService
from services.review_queue.projects.service import ProjectService
from services.review_queue.ui.routes.entering import Form
from services.review_queue.ui.routes.sessions import PageRoute, ScriptRoute
from services.review_queue.ui.site import page, to
from shared.auth import Principal
from shared.http.access import ByOperator, ByReviewer, Injected
from shared.http.lists import decode_position
from shared.problems import Conflict, Unprocessable

router = APIRouter(
    prefix="/ui/p/{project}/feedback", route_class=PageRoute, include_in_schema=False
)

scripts = APIRouter(prefix="/ui/p/{project}", route_class=ScriptRoute, include_in_schema=False)
# What a task's own dialog sends.
scripts.post("/remarks")(api.post_feedback)

_AT_ONCE = 20

# The list of what waits for an answer stays one after an answer.
Waiting = Annotated[bool, Query()]


@router.get("")
async def remarks(
    project: str,
    feedback: Injected[FeedbackService],
    projects: Injected[ProjectService],
    who: ByReviewer,
    waiting: Waiting = False,
    after: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Show what people said, newest first, with its answers."""
    return await _shown(feedback, projects, who, project, waiting=waiting, after=after)


@router.post("")
async def remark(
    project: str, form: Form, feedback: Injected[FeedbackService], who: ByReviewer
) -> Response:
    """Keep a remark about a label or the instructions."""
    about, _, label = form.get("about", "").partition(":")
    try:
        body = NewFeedback.model_validate(
            {"about": about, "label": label or None, "text": form.get("text", "").strip()}
        )
    except ValidationError as error:
        raise Unprocessable([("/text", "is empty, too long, or about nothing")]) from error
    given = await feedback.give(project, body, who.subject)
    return to(f"/ui/p/{project}/feedback#remark-{given.feedback_id}")


@router.post("/{feedback_id}/answer")
async def answer(
    project: str,
    feedback_id: api.FeedbackId,
    form: Form,
    feedback: Injected[FeedbackService],
    projects: Injected[ProjectService],
    who: ByOperator,
    waiting: Waiting = False,
) -> Response:
    """Answer a remark; if it has another answer already, show both."""
    try:
        body = FeedbackAnswer(text=form.get("text", "").strip())
    except ValidationError as error:
        raise Unprocessable([("/text", "is empty or too long")]) from error
    try:
        await feedback.answer(project, feedback_id, body, who.subject)
    except Conflict as problem:
        return await _shown(
            feedback, projects, who, project, status=problem.status, unsent=body.text
        )
    return to(f"/ui/p/{project}/feedback" + ("?waiting=true" if waiting else ""))


async def _shown(
    feedback: FeedbackService,
    projects: ProjectService,
    who: Principal,
    project: str,
    *,
    waiting: bool = False,
    after: str | None = None,
    status: int = 200,
    unsent: str | None = None,
) -> Response:
    before = decode_position(after) or None
    answered = False if waiting else None
    document = await projects.get(project)
    listed = await feedback.page(project, before=before, answered=answered, limit=_AT_ONCE)
    return page(
        "feedback.html",
        status=status,
        who=who,
        project=document,
        remarks=listed.feedback,
        waiting=waiting,
        following=listed.cursor,
        unsent=unsent,
    )
