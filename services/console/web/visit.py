"""One request of a signed-in person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request, Response
from starlette.datastructures import FormData, UploadFile

from services.console.web.notices import notice_of
from services.console.web.rendering import rendered
from services.console.web.security import Site, redirected
from services.console.web.session import Session, session_of
from shared.contracts.base import utc_now
from surehand import AsyncSurehand

FRAGMENT_HEADER = "Surehand-Fragment"


class SignInNeeded(Exception):  # noqa: N818 - no error of anybody's
    """The request needs a session, and has none that holds."""


class OperatorsOnly(Exception):  # noqa: N818 - no error of anybody's
    """The page is for operators, and the person is a reviewer."""


class NotOurForm(Exception):  # noqa: N818 - no error of the service's
    """A form came from another site's page, or from a session before this one."""

    def __init__(self, *, is_foreign: bool) -> None:
        super().__init__()
        self.is_foreign = is_foreign


@dataclass(frozen=True)
class Visit:
    """The request, who makes it, and the services as that person may call them."""

    request: Request
    session: Session
    api: AsyncSurehand
    now: datetime = field(default_factory=utc_now)

    @property
    def site(self) -> Site:
        """Where the console is found, and where images may come from."""
        site: Site = self.request.app.state.site
        return site

    @property
    def fragment(self) -> str | None:
        """The part of the page that is asked for, when it is not the whole."""
        return self.request.headers.get(FRAGMENT_HEADER)

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """Return a rendered page of this person."""
        shared = {
            "who": self.session,
            "notice": notice_of(self.request.query_params.get("notice")),
            "path": self.request.url.path,
        }
        page = rendered(template, status=status, now=self.now, **(shared | context))
        page.headers["Content-Security-Policy"] = self.site.policy
        return page

    def to(self, path: str, notice: str | None = None) -> Response:
        """Send the browser to another page by GET, which shows a notice."""
        mark = "&" if "?" in path else "?"
        return redirected(f"{path}{mark}notice={notice}" if notice else path)


def open_visit(request: Request) -> Visit:
    """Return an operator's visit.

    Raises `OperatorsOnly` for a reviewer, and `SignInNeeded` without a session.
    """
    visit = open_desk(request)
    if not visit.session.is_operator:
        raise OperatorsOnly
    return visit


def open_desk(request: Request) -> Visit:
    """Return a signed-in person's visit; raise `SignInNeeded` without a session."""
    session = session_of(request)
    if session is None:
        raise SignInNeeded
    state = request.app.state
    return Visit(request, session, state.clients.of(session.token))


@dataclass(frozen=True)
class Form:
    """A form that was posted from a page of this session."""

    visit: Visit
    values: Mapping[str, str]
    lists: Mapping[str, list[str]]

    def text(self, name: str) -> str:
        """Return a field without outer blanks; empty where there is none."""
        return self.values.get(name, "").strip()

    def all(self, name: str) -> list[str]:
        """Return all values of a field."""
        return self.lists.get(name, [])


async def open_form(request: Request) -> Form:
    """Return an operator's form; as `open_desk_form` does, and `OperatorsOnly` for a reviewer."""
    form = await open_desk_form(request)
    if not form.visit.session.is_operator:
        raise OperatorsOnly
    return form


async def open_desk_form(request: Request) -> Form:
    """Return the form of a request.

    Its fields are kept with the request first: a session that has ended loses none of them.
    `SignInNeeded` without a session, `NotOurForm` when no page of this session made the form.
    """
    posted = await request.form(max_fields=10_000)
    request.state.kept = kept_fields(posted)
    require_own(request)
    visit = open_desk(request)
    if posted.get("csrf") != visit.session.csrf:
        raise NotOurForm(is_foreign=False)
    lists: dict[str, list[str]] = {}
    for name, value in request.state.kept:
        lists.setdefault(name, []).append(value)
    return Form(visit, {name: values[0] for name, values in lists.items()}, lists)


def require_own(request: Request) -> None:
    """Raise `NotOurForm` unless a page of this site sent the request."""
    if not request.app.state.site.is_own(request):
        raise NotOurForm(is_foreign=True)


def kept_fields(posted: FormData) -> list[tuple[str, str]]:
    """Return the text fields of a form, without those of the session."""
    return [
        (name, value)
        for name, value in posted.multi_items()
        if not isinstance(value, UploadFile) and name != "csrf"
    ]


# Parameters of routes: for operators alone, and for operators and reviewers.
Visited = Annotated[Visit, Depends(open_visit)]
Posted = Annotated[Form, Depends(open_form)]
AtDesk = Annotated[Visit, Depends(open_desk)]
PostedAtDesk = Annotated[Form, Depends(open_desk_form)]


def project_path(project: str) -> str:
    """Return the path of a project in the services' API."""
    return f"/v1/projects/{quote(project, safe='')}"


def desk_path(project: str) -> str:
    """Return the path of a project's desk."""
    return f"/review/{quote(project, safe='')}"


def page_path(project: str) -> str:
    """Return the path of a project's first page."""
    return f"/projects/{quote(project, safe='')}"
