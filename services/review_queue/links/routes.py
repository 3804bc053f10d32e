"""Routes of links."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request

from services.review_queue.links import messages
from services.review_queue.links.service import LinkService
from services.review_queue.tables.people import LinkRow
from shared.auth import require_all_projects
from shared.http.access import ByOperator, ByReviewer, Injected
from shared.http.body import OpenRoute, StrictRoute
from shared.http.lists import After, Limit
from shared.problems import Conflict, NotFound, TooManyRequests, Unavailable, declare

router = APIRouter(prefix="/v1", tags=["links"])
strict = APIRouter(route_class=StrictRoute)
# For people who have no token yet.
public = APIRouter(prefix="/links", route_class=OpenRoute)

_PUBLIC_PROBLEMS = declare(NotFound, TooManyRequests, Unavailable)
Requested = Annotated[
    bool | None, Query(description="Only links whose holder has asked for a new one, or has not.")
]


def _made(request: Request, code: str, row: LinkRow) -> messages.OneTimeLink:
    console: str = request.app.state.console_url
    return messages.OneTimeLink(
        link_id=row.code_digest,
        code=code,
        url=f"{console}/enter?code={quote(code)}",
        expires_at=row.expires_at,
    )


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host


@strict.post("/projects/{project}/links", summary="Make a one-time link to a project")
async def post_project_link(
    project: str,
    body: messages.NewProjectLink,
    links: Injected[LinkService],
    who: ByOperator,
    request: Request,
) -> messages.OneTimeLink:
    """The link can be redeemed once, before it expires.

    Its holder then acts as `subject`, in `role`, in this project. `url` is the page of the console
    that redeems it; it has no host unless `SUREHAND_REVIEW_QUEUE_CONSOLE_URL` is set.
    """
    return _made(request, *await links.make([project], body, who))


@strict.post(
    "/links",
    summary="Make a one-time link to several projects, or to all",
    responses=declare(NotFound),
)
async def post_link(
    body: messages.NewLink, links: Injected[LinkService], who: ByOperator, request: Request
) -> messages.OneTimeLink:
    """As for one project; the operator's token must be for all of `projects`."""
    projects = None if body.projects is None else sorted(set(body.projects))
    return _made(request, *await links.make(projects, body, who))


@strict.get("/projects/{project}/links", summary="List a project's links, newest first")
async def list_project_links(
    project: str,
    links: Injected[LinkService],
    _: ByOperator,
    requested: Requested = None,
    limit: Limit = 100,
    after: After = None,
) -> messages.LinkList:
    """Return links to this project alone, without their codes, which are not kept."""
    return await links.page(project, after=after, requested=requested, limit=limit)


@strict.get("/links", summary="List links to several projects or all, newest first")
async def list_links(
    links: Injected[LinkService],
    who: ByOperator,
    requested: Requested = None,
    limit: Limit = 100,
    after: After = None,
) -> messages.LinkList:
    """Return links that are not to a single project; for tokens of all projects."""
    require_all_projects(who)
    return await links.page(None, after=after, requested=requested, limit=limit)


@strict.post(
    "/projects/{project}/links/revoke",
    summary="End all links of a person to a project, with their tokens",
)
async def revoke_project_links(
    project: str, body: messages.LinkHolder, links: Injected[LinkService], _: ByOperator
) -> messages.RevokedLinks:
    """The review queue refuses their tokens from then on; other replicas of it within seconds.

    Routers and the trainer accept an operator's token until it expires.
    """
    return await links.revoke(project, body.subject)


@strict.post(
    "/links/revoke",
    summary="End all links of a person to several projects or all, with their tokens",
    responses=declare(NotFound),
)
async def revoke_links(
    body: messages.LinkHolder, links: Injected[LinkService], who: ByOperator
) -> messages.RevokedLinks:
    """As for one project; for tokens of all projects."""
    require_all_projects(who)
    return await links.revoke(None, body.subject)


@strict.post(
    "/links/renew",
    summary="Get a further token for one that came from a link",
    responses=declare(Conflict, Unavailable),
)
async def renew_token(links: Injected[LinkService], who: ByReviewer) -> messages.LinkToken:
    """The new token is good for as long as the link's first, up to 90 days after its use."""
    return await links.renew(who)


@public.post("/redeem", summary="Use a one-time link up, for a token", responses=_PUBLIC_PROBLEMS)
async def redeem_link(
    body: messages.LinkCode, links: Injected[LinkService], request: Request
) -> messages.LinkToken:
    """Return a token once; the link opens nothing from then on."""
    return await links.redeem(body.code, _address(request))


@public.post("/inspect", summary="See what a one-time link is for", responses=_PUBLIC_PROBLEMS)
async def inspect_link(
    body: messages.LinkCode, links: Injected[LinkService], request: Request
) -> messages.LinkInvitation:
    """The link stays unused: a page can say whom it is for before it is opened."""
    return await links.inspect(body.code, _address(request))


@public.post("/request", summary="Ask for a new link", responses=_PUBLIC_PROBLEMS, status_code=202)
async def request_link(
    body: messages.LinkCode, links: Injected[LinkService], request: Request
) -> messages.LinkRequested:
    """With the code of an earlier link: operators see who asks, in the list of links."""
    return await links.request(body.code, _address(request))


router.include_router(public)
router.include_router(strict)
