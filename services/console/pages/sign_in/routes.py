"""Sign in by a one-time link or a token, and sign out."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from services.console.web.cards import refusal_words
from services.console.web.faults import sign_in_page
from services.console.web.rendering import rendered
from services.console.web.security import local_path, redirected
from services.console.web.session import (
    COOKIE,
    LINK_COOKIE,
    Session,
    keep_link,
    keep_session,
    read_token,
    session_of,
)
from services.console.web.visit import PostedAtDesk, kept_fields, require_own
from surehand import ProblemError

router = APIRouter(include_in_schema=False)
_KEPT = "kept."
_ROLES = {"operator", "reviewer"}
# A browser keeps no cookie over 4,096 bytes, with its name.
_LONGEST_TOKEN = 4_000
_TOO_LONG = (
    "This token names so many projects that no browser would keep it. "
    "Use one for fewer projects, or for all."
)
_NO_TOKEN = "This is no token. Paste it whole: three parts with dots between."  # noqa: S105


@router.get("/sign-in")
async def show(
    request: Request,
    next: str = "/",  # noqa: A002 - as in the address
    asked: bool = False,
) -> Response:
    """Show the form."""
    if session_of(request) is not None:
        return redirected(local_path(next))
    request.app.state.bundle.prepare()
    return sign_in_page(request, next, asked=asked)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Sign in by a token, or go on with a session that another tab has opened."""
    posted = await request.form(max_fields=10_000)
    require_own(request)
    kept = [
        (name.removeprefix(_KEPT), value)
        for name, value in kept_fields(posted)
        if name.startswith(_KEPT)
    ]
    target = local_path(_text(posted, "next") or "/")
    token = _text(posted, "token")
    if len(token) > _LONGEST_TOKEN:
        return sign_in_page(request, target, fault=_TOO_LONG, kept=kept, status=422)
    session = read_token(token) if token else session_of(request)
    if session is None:
        words = _NO_TOKEN if token else "You are not signed in yet: open a link, or paste a token."
        return sign_in_page(request, target, fault=words, kept=kept, status=401)
    if fault := await _refusal(request, session):
        return sign_in_page(request, target, fault=fault, kept=kept, status=401)
    if kept:
        page: Response = rendered("sign_in/kept.html", who=session, action=target, kept=kept)
    else:
        page = redirected(target)
    keep_session(request, page, session)
    return page


@router.get("/enter")
async def invitation(request: Request, code: str = "") -> Response:
    """Show what a link is for; only a press uses it up, as previews of links open them too."""
    try:
        link = await _ask(request, "inspect", code, is_idempotent=True)
    except ProblemError as error:
        return sign_in_page(request, "/", fault=_why_not(error), status=error.status)
    if link["role"] == "operator":
        # Reviewers see no chart.
        request.app.state.bundle.prepare()
    return rendered("sign_in/enter.html", who=None, code=code, link=link)


@router.post("/enter")
async def enter(request: Request) -> Response:
    """Use a one-time link up."""
    posted = await request.form()
    require_own(request)
    code = _text(posted, "code")
    try:
        given = await _ask(request, "redeem", code)
    except ProblemError as error:
        return sign_in_page(request, "/", fault=_why_not(error), status=error.status)
    session = read_token(str(given["token"]))
    if session is None:
        fault = "The link gave no session. Ask an operator."
        return sign_in_page(request, "/", fault=fault, status=502)
    response = redirected("/")
    keep_session(request, response, session)
    keep_link(request, response, code)
    return response


@router.post("/link-request")
async def request_link(request: Request) -> Response:
    """Ask operators for a new link, by the last one that let this browser in."""
    require_own(request)
    try:
        await _ask(request, "request", request.cookies.get(LINK_COOKIE, "") or "none")
    except ProblemError as error:
        return sign_in_page(request, "/", fault=refusal_words(error), status=error.status)
    return redirected("/sign-in?asked=true")


async def _ask(request: Request, what: str, code: str, *, is_idempotent: bool = False) -> Any:
    """Ask the review queue about the link of a code, for a person who is not signed in."""
    return await request.app.state.clients.of("").call(
        "review_queue", "POST", f"/v1/links/{what}", json={"code": code},
        headers=forwarded(request), is_idempotent=is_idempotent,
    )  # fmt: skip


def forwarded(request: Request) -> dict[str, str]:
    """Return the headers that name the person's address.

    The review queue bounds attempts at links by address, and sees only the console's otherwise.
    """
    host = "" if request.client is None else request.client.host
    # A proxy may hand on what a client says; no header takes every text.
    return {"X-Forwarded-For": host} if host and host.isascii() else {}


def _why_not(error: ProblemError) -> str:
    if error.status in {404, 422}:
        return "The link was used before, or has expired. Ask an operator for a new one."
    return refusal_words(error)


@router.post("/sign-out")
async def sign_out(form: PostedAtDesk) -> Response:
    """Forget the session in this browser."""
    response = form.visit.to("/sign-in")
    response.delete_cookie(COOKIE)
    return response


async def _refusal(request: Request, session: Session) -> str | None:
    """Return why the services do not take a token; None where they do."""
    if session.role not in _ROLES:
        return (
            f"This is a token of role {session.role}: the console is for operators and reviewers."
        )
    state = request.app.state
    api = state.clients.of(session.token)
    try:
        await api.call("review_queue", "GET", "/v1/projects", params={"limit": 1})
    except ProblemError as error:
        return error.detail or error.title
    return None


def _text(posted: FormData, name: str) -> str:
    value = posted.get(name, "")
    return value.strip() if isinstance(value, str) else ""
