"""Sign in by a one-time link or a token, and sign out."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from services.console.web.cards import refusal_words
from services.console.web.forwarding import forwarded
from services.console.web.rendering import rendered
from services.console.web.security import guarded, local_path
from services.console.web.session import (
    COOKIE,
    LINK_COOKIE,
    Session,
    keep_link,
    keep_session,
    read_token,
    session_of,
)
from services.console.web.visit import NotOurForm, PostedAtDesk, kept_fields
from shared.contracts.base import utc_now
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
        return _to(local_path(next))
    request.app.state.bundle.prepare()
    return _page(request, next, asked=asked)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Sign in by a token, or go on with a session that another tab has opened."""
    posted = await request.form(max_fields=10_000)
    _require_own(request)
    kept = [
        (name.removeprefix(_KEPT), value)
        for name, value in kept_fields(posted)
        if name.startswith(_KEPT)
    ]
    target = local_path(_text(posted, "next") or "/")
    token = _text(posted, "token")
    if len(token) > _LONGEST_TOKEN:
        return _page(request, target, fault=_TOO_LONG, kept=kept, status=422)
    session = read_token(token) if token else session_of(request)
    if session is None:
        words = _NO_TOKEN if token else "You are not signed in yet: open a link, or paste a token."
        return _page(request, target, fault=words, kept=kept, status=401)
    if fault := await _refusal(request, session):
        return _page(request, target, fault=fault, kept=kept, status=401)
    if kept:
        page = rendered("sign_in/kept.html", now=utc_now(), who=session, action=target, kept=kept)
        return _with_cookie(request, page, session)
    return _with_cookie(request, _to(target), session)


@router.get("/enter")
async def invitation(request: Request, code: str = "") -> Response:
    """Show what a link is for; only a press uses it up, as previews of links open them too."""
    try:
        link = await request.app.state.clients.of("").call(
            "review_queue", "POST", "/v1/links/inspect", json={"code": code},
            headers=forwarded(request), is_idempotent=True,
        )  # fmt: skip
    except ProblemError as error:
        return _page(request, "/", fault=_why_not(error), status=error.status)
    if link["role"] == "operator":
        # Reviewers see no chart.
        request.app.state.bundle.prepare()
    return rendered("sign_in/enter.html", now=utc_now(), who=None, code=code, link=link)


@router.post("/enter")
async def enter(request: Request) -> Response:
    """Use a one-time link up."""
    posted = await request.form()
    _require_own(request)
    state = request.app.state
    try:
        given = await state.clients.of("").call(
            "review_queue", "POST", "/v1/links/redeem", json={"code": _text(posted, "code")},
            headers=forwarded(request),
        )  # fmt: skip
    except ProblemError as error:
        return _page(request, "/", fault=_why_not(error), status=error.status)
    session = read_token(str(given["token"]))
    if session is None:
        fault = "The link gave no session. Ask an operator."
        return _page(request, "/", fault=fault, status=502)
    response = _with_cookie(request, _to("/"), session)
    keep_link(request, response, _text(posted, "code"))
    return response


@router.post("/link-request")
async def request_link(request: Request) -> Response:
    """Ask operators for a new link, by the last one that let this browser in."""
    _require_own(request)
    try:
        await request.app.state.clients.of("").call(
            "review_queue", "POST", "/v1/links/request",
            json={"code": request.cookies.get(LINK_COOKIE, "") or "none"},
            headers=forwarded(request),
        )  # fmt: skip
    except ProblemError as error:
        return _page(request, "/", fault=refusal_words(error), status=error.status)
    return _to("/sign-in?asked=true")


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


def _require_own(request: Request) -> None:
    if not request.app.state.site.is_own(request):
        raise NotOurForm(is_foreign=True)


def _page(
    request: Request,
    target: str,
    *,
    asked: bool = False,
    fault: str | None = None,
    kept: list[tuple[str, str]] | None = None,
    status: int = 200,
) -> Response:
    return rendered(
        "sign_in/page.html",
        status=status,
        now=utc_now(),
        who=None,
        fault=fault,
        next=target,
        kept=kept or [],
        had_session=bool(kept),
        can_ask=LINK_COOKIE in request.cookies,
        asked=asked,
    )


def _with_cookie(request: Request, response: Response, session: Session) -> Response:
    keep_session(request, response, session)
    return response


def _to(path: str) -> Response:
    response = RedirectResponse(path, status_code=303)
    guarded(response)
    return response


def _text(posted: FormData, name: str) -> str:
    value = posted.get(name, "")
    return value.strip() if isinstance(value, str) else ""
