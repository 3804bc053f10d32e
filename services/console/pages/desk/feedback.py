"""The page of feedback: what people say of the work, and what operators answer."""

from fastapi import APIRouter, Response

from services.console.web.project_pages import call, get
from services.console.web.visit import AtDesk, Posted, PostedAtDesk, Visit, desk_path
from surehand import Conflict

router = APIRouter(prefix="/review/{name}/feedback", include_in_schema=False)

_AT_ONCE = 20


@router.get("")
async def show(
    visit: AtDesk, name: str, waiting: bool = False, after: str | None = None
) -> Response:
    """Show what people said, newest first, with its answers."""
    return await _shown(visit, name, waiting=waiting, after=after)


@router.post("")
async def say(form: PostedAtDesk, name: str) -> Response:
    """Keep a remark about a label or the instructions."""
    about, _, label = form.values.get("about", "").partition(":")
    body = {"about": about, "label": label or None, "text": form.text("text")}
    given = await call(form.visit, "review_queue", "POST", name, "feedback", json=body)
    return form.visit.to(f"{desk_path(name)}/feedback#remark-{given['feedback_id']}")


@router.post("/{feedback_id}/answer")
async def answer(form: Posted, name: str, feedback_id: int, waiting: bool = False) -> Response:
    """Answer a remark; if it has another answer already, show both."""
    text, path = form.text("text"), f"feedback/{feedback_id}/answer"
    try:
        await call(form.visit, "review_queue", "POST", name, path, json={"text": text})
    except Conflict as error:
        return await _shown(form.visit, name, status=error.status, unsent=text)
    return form.visit.to(f"{desk_path(name)}/feedback" + ("?waiting=true" if waiting else ""))


async def _shown(
    visit: Visit,
    name: str,
    *,
    waiting: bool = False,
    after: str | None = None,
    status: int = 200,
    unsent: str | None = None,
) -> Response:
    # The list of what waits for an answer stays one after an answer.
    params = {"answered": "false" if waiting else None, "after": after, "limit": _AT_ONCE}
    listed = await get(visit, "review_queue", name, "feedback", **params)
    return visit.page(
        "desk/feedback.html",
        status=status,
        project=await get(visit, "review_queue", name),
        view="Feedback",
        remarks=listed["feedback"],
        waiting=waiting,
        following=listed["cursor"],
        unsent=unsent,
    )
