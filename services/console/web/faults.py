"""What a browser is shown when a page cannot be: in plain words, with what was typed kept."""

from collections.abc import Sequence
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from services.console.web.cards import FOREIGN_WORDS, away_words, refusal_words
from services.console.web.rendering import rendered
from services.console.web.security import redirected
from services.console.web.session import COOKIE, LINK_COOKIE, session_of
from services.console.web.visit import (
    FRAGMENT_HEADER,
    NotOurForm,
    OperatorsOnly,
    SignInNeeded,
)
from surehand import ProblemError, Unavailable

log = structlog.get_logger()
_PLAIN = {
    403: ("Not yours to open", "Your token does not reach this project, or not this page."),
    404: ("There is no such page", "It may have been moved, or the address has a slip."),
    405: ("There is no such page", "Open it by its link; it takes no form."),
    422: ("The address does not hold", "A part of it is not what this page takes."),
}


def install(app: FastAPI) -> None:
    """Let `app` answer every fault by a page."""
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(NotOurForm, _foreign)
    for told in (OperatorsOnly, ProblemError, Unavailable, HTTPException, RequestValidationError):
        app.add_exception_handler(told, _told)
    app.add_exception_handler(Exception, _failed)


async def _sign_in(request: Request, _: Exception) -> Response:
    is_fragment = FRAGMENT_HEADER in request.headers
    if request.method in {"GET", "HEAD"} and not is_fragment:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        suffix = "" if target == "/" else f"?next={quote(target, safe='/')}"
        response = redirected(f"/sign-in{suffix}")
        if COOKIE in request.cookies:
            response.delete_cookie(COOKIE)
        return response
    target = request.url.path if request.method == "POST" else "/"
    kept = getattr(request.state, "kept", [])
    return sign_in_page(request, target, status=401, kept=kept, had_session=True)


def sign_in_page(
    request: Request,
    target: str,
    *,
    status: int = 200,
    kept: Sequence[tuple[str, str]] = (),
    had_session: bool = False,
    fault: str | None = None,
    asked: bool = False,
) -> Response:
    """Return the form of signing in, which leads to `target`, with what was typed `kept`."""
    return rendered(
        "sign_in/page.html",
        status=status,
        who=None,
        fault=fault,
        next=target,
        kept=kept,
        had_session=had_session or bool(kept),
        can_ask=LINK_COOKIE in request.cookies,
        asked=asked,
    )


async def _foreign(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotOurForm)
    session = session_of(request)
    if error.is_foreign or session is None:
        return _message(request, 403, "Not a form of this site", f"The form {FOREIGN_WORDS}")
    path, kept = request.url.path, request.state.kept
    return rendered("sign_in/kept.html", status=409, who=session, action=path, kept=kept)


async def _told(request: Request, error: Exception) -> Response:
    match error:
        case ProblemError(status=401):
            return await _sign_in(request, error)
        case ProblemError():
            return _message(request, error.status, error.title, refusal_words(error))
        case Unavailable():
            return _message(request, 503, "A service is away", away_words(error))
        case HTTPException(status_code=status):
            title, words = _PLAIN.get(status, ("This did not work", str(error.detail)))
            return _message(request, status, title, words)
        case OperatorsOnly():
            words = "Operators run projects here. Your own work is on the first page."
            return _message(request, 403, "A page of operators", words)
    return _message(request, 422, *_PLAIN[422])


async def _failed(request: Request, error: Exception) -> Response:
    log.error("page_failed", path=request.url.path, exc_info=error)
    words = "The console made a mistake; its log has the cause. What you did before is kept."
    return _message(request, 500, "Something went wrong here", words)


def _message(request: Request, status: int, title: str, words: str) -> Response:
    who = session_of(request)
    return rendered("message.html", status=status, who=who, title=title, words=words)
