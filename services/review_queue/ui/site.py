"""What all pages share: templates, security headers, the cookie, and whose requests are ours."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from services.review_queue.links.addresses import PublicAddress
from services.review_queue.ui.entry import Entered
from shared.problems import Forbidden, Problem, Unauthorized

COOKIE = "surehand_session"
LINK_COOKIE = "surehand_link"
_LINK_COOKIE_SECONDS = 180 * 24 * 3600
HOME = "/ui/"
_FOLDER = Path(__file__).parent
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_UNKNOWN = (
    "Set SUREHAND_REVIEW_QUEUE_PUBLIC_URL to the address under which browsers find these pages: "
    "without it they work on this machine alone."
)

_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Assets(StaticFiles):
    """The page's own scripts and styles; browsers ask each time whether they have changed."""

    def __init__(self) -> None:
        super().__init__(directory=_FOLDER / "static")

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return one file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


@dataclass(frozen=True)
class Site:
    """Where the pages are found, and the only other origins that images may come from."""

    public: PublicAddress
    image_origins: frozenset[str]

    def address(self, request: Request) -> str | None:
        """Return the base URL as browsers know it, if that is known."""
        return self.public.of(request)

    def require_own(self, request: Request) -> None:
        """Raise `Forbidden` when another site's page sends a request that may change something."""
        if request.method in _SAFE_METHODS:
            return
        own = self.address(request)
        if own is None:
            raise Forbidden(_UNKNOWN)
        if request.headers.get("origin") != own:
            raise Forbidden("This request does not come from this site's own page.")

    def guard(self, response: Response) -> Response:
        """Add the headers that let a page load and send nothing but our own."""
        images = " ".join(["'self'", "data:", *sorted(self.image_origins)])
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
            f"img-src {images}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["Cache-Control"] = "no-store"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        # Not `no-referrer`: with it forms are sent with the origin `null`.
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def admit(self, request: Request, entered: Entered, code: str | None = None) -> Response:
        """Send a browser that has entered to the first page, with its cookie.

        By a link's `code`, which opens nothing any more, it may ask for a new link later.
        """
        response = to(HOME)
        self._keep(request, response, COOKIE, entered.cookie, entered.seconds)
        if code is not None:
            self._keep(request, response, LINK_COOKIE, code, _LINK_COOKIE_SECONDS)
        return response

    def _keep(
        self, request: Request, response: Response, name: str, value: str, seconds: int
    ) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/ui",
            secure=(self.address(request) or "").startswith("https:"),
            httponly=True,
            samesite="strict",
        )


def to(path: str) -> Response:
    """Send the browser to another of our pages, by GET."""
    return RedirectResponse(path, status_code=303)


def page(template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Return a rendered page; `who` is the principal, or None without a session."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(context), status)


def refusal(problem: Problem) -> Response:
    """Return a problem as a page; send a browser without a session to the first page."""
    if isinstance(problem, Unauthorized):
        return to(HOME)
    shown = page("message.html", status=problem.status, title=problem.title, text=problem.detail)
    shown.headers.update(problem.headers)
    return shown
