"""The route that makes links; part of the API."""

from urllib.parse import quote

from fastapi import APIRouter, Request

from services.review_queue.ui.entry import EntryService
from services.review_queue.ui.messages import NewLink, OneTimeLink
from services.review_queue.ui.routes.sessions import AtSite
from shared.http.access import ByOperator, Injected
from shared.http.body import StrictRoute
from shared.problems import BODY_PROBLEMS, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["links"])


@router.post(
    "/links",
    summary="Make a one-time link to the reviewers' page",
    responses=declare(*BODY_PROBLEMS),
)
async def post_link(
    project: str,
    body: NewLink,
    entry: Injected[EntryService],
    who: ByOperator,
    site: AtSite,
    request: Request,
) -> OneTimeLink:
    """The first browser that opens it before it expires is signed in as `reviewer` for 12 hours.

    `url` is a path alone where the service does not know its own address: the setting
    `SUREHAND_REVIEW_QUEUE_PUBLIC_URL` says it.
    """
    code, expires_at = await entry.invite(project, body.reviewer, body.expires_seconds, who)
    address = site.address(request) or ""
    return OneTimeLink(url=f"{address}/ui/enter?code={quote(code)}", expires_at=expires_at)
