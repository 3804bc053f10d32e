"""Pages by which one enters and leaves."""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response

from services.review_queue.links.service import LinkService
from services.review_queue.projects.service import ProjectService
from services.review_queue.ui.entry import EntryService
from services.review_queue.ui.routes.sessions import AtSite, PageRoute, Visitor
from services.review_queue.ui.site import COOKIE, HOME, LINK_COOKIE, page, to
from shared.auth import Verifier
from shared.http.access import Injected
from shared.problems import BodyTooLarge, Unauthorized, Unprocessable

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)

_EVERY_PROJECT = 1000
# A remark has up to 10,000 characters, of up to 12 bytes each as a form encodes them.
_FORM_BYTES = 256 * 1024
_FORM_FIELDS = 20


async def form_of(request: Request) -> dict[str, str]:
    """Return a form's fields, the first of each name; text that is not UTF-8 is replaced.

    It is bounded in bytes and in fields, since it is read before the sender is known.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _FORM_BYTES:
            raise BodyTooLarge(_FORM_BYTES)
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_FORM_FIELDS)
    except ValueError as error:
        raise Unprocessable([("", f"has more than {_FORM_FIELDS} fields")]) from error
    return {name: values[0] for name, values in fields.items()}


Form = Annotated[dict[str, str], Depends(form_of)]


@router.get("")
async def without_slash() -> Response:
    """Be found without the slash too."""
    return to(HOME)


@router.get("/")
async def home(
    request: Request, projects: Injected[ProjectService], who: Visitor, asked: bool = False
) -> Response:
    """Offer the projects that one may enter, or ask for a token or for a new link."""
    if who is None:
        return _sign_in(request, asked=asked)
    listed = await projects.page(after="", limit=_EVERY_PROJECT, only=who.projects)
    if len(listed.projects) == 1:
        return to(f"/ui/p/{listed.projects[0].project}")
    return page("projects.html", who=who, projects=listed.projects)


def _sign_in(
    request: Request, *, status: int = 200, fault: str | None = None, asked: bool = False
) -> Response:
    can_ask = LINK_COOKIE in request.cookies
    return page("sign_in.html", status=status, who=None, fault=fault, asked=asked, can_ask=can_ask)


@router.post("/")
async def sign_in(
    request: Request, form: Form, entry: Injected[EntryService], site: AtSite
) -> Response:
    """Enter with a token."""
    verifier: Verifier = request.app.state.verifier
    try:
        who = verifier.verify(form.get("token", "").strip())
    except Unauthorized as problem:
        return _sign_in(request, status=problem.status, fault=problem.detail)
    return site.admit(request, await entry.sign_in(who))


@router.get("/enter")
async def open_link(
    entry: Injected[EntryService], code: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Show what a link is for. It is used up by the button alone: previews of links only look."""
    invitation = await entry.invitation(code)
    project = invitation.project
    title = "Surehand" if project is None else project.title or project.project
    return page("enter.html", who=None, code=code, title=title, invitation=invitation)


@router.post("/enter")
async def use_link(
    request: Request, form: Form, entry: Injected[EntryService], site: AtSite
) -> Response:
    """Enter by a link, and use it up."""
    code = form.get("code", "")
    return site.admit(request, await entry.redeem(code), code)


@router.post("/request")
async def request_link(request: Request, links: Injected[LinkService]) -> Response:
    """Ask operators for a new link, by the last one that this browser entered with."""
    address = request.client.host if request.client else ""
    await links.request(request.cookies.get(LINK_COOKIE, ""), address)
    return to(f"{HOME}?asked=true")


@router.post("/leave")
async def leave(request: Request, entry: Injected[EntryService]) -> Response:
    """End the session."""
    await entry.leave(request.cookies.get(COOKIE, ""))
    response = to(HOME)
    response.delete_cookie(COOKIE, path="/ui")
    return response
