"""What the script of the desk asks for: items, answers to them, and progress."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.console.pages.desk.scripts import ScriptRoute, problem
from services.console.web.item_fields import content_digest, displays, field_specs
from services.console.web.project_pages import call, get
from services.console.web.visit import AtDesk, Visit, project_path
from shared.contracts.tasks import LeaseRequest
from shared.http.access import IsGone

router = APIRouter(route_class=ScriptRoute, include_in_schema=False)

Move = Literal["verdict", "skip", "renew", "release", "undo"]
# Less than the script's patience (`static/desk/leases.js`): a lease that comes later is unseen.
_SLOWEST_SECONDS = 5.0
# The longest wait of one call. Between calls the console looks whether the page is still there.
_LOOK_SECONDS = 1.0
_IS_JSON = {"Content-Type": "application/json"}


@router.post("/review/{name}/tasks")
async def post_tasks(visit: AtDesk, name: str, body: LeaseRequest, gone: IsGone) -> Response:
    """Lease tasks and return them as HTML, once the instructions have been read."""
    standing = await visit.api.reviewers.standing(name)
    if not standing.has_read:
        return problem(409, "Not read yet", "Read the instructions first.")
    leased = await _lease(visit, name, body, gone)
    # Only what its page has received can be given back by the page when it closes.
    if leased and await gone():
        await _give_back(visit, leased)
        leased = []
    # The project may have been replaced while nothing came.
    project = await get(visit, "review_queue", name)
    return visit.page("desk/tasks.html", project=project, leases=_shown(visit, project, leased))


async def _lease(
    visit: Visit, name: str, body: LeaseRequest, gone: Callable[[], Awaitable[bool]]
) -> list[dict[str, Any]]:
    """Return what the review queue leases, within `body.wait_seconds` or until the page has left.

    No call is given up: the review queue could have leased at that moment, for a dead page.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + body.wait_seconds
    while True:
        wait = min(max(0.0, until - clock()), _LOOK_SECONDS)
        answer = await visit.api.call(
            "review_queue",
            "POST",
            f"{project_path(name)}/leases",
            json={"count": body.count, "wait_seconds": wait},
            timeout=wait + _SLOWEST_SECONDS,
            # A repeated call would lease other tasks, while those of the lost answer wait for
            # expiry.
            is_idempotent=False,
        )
        leases: list[dict[str, Any]] = answer["leases"]
        if leases or clock() >= until or await gone():
            return leases


async def _give_back(visit: Visit, leases: list[dict[str, Any]]) -> None:
    for lease in leases:
        token = quote(lease["token"], safe="")
        await visit.api.call(
            "review_queue", "POST", f"/v1/leases/{token}/release", is_idempotent=True
        )


def _shown(
    visit: Visit, project: dict[str, Any], leases: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], list[Any], str]]:
    """Return each lease, what is shown of its item, and the digest of all of it."""
    specs, origins = field_specs(project), visit.site.image_origins
    return [
        (
            lease,
            displays(lease["task"]["data"], specs, origins),
            content_digest(lease["task"], project["labels"]),
        )
        for lease in leases
    ]


@router.post("/leases/{token}/{move}")
async def post_move(visit: AtDesk, request: Request, token: str, move: Move) -> Response:
    """Do what the reviewer wants with a lease; the review queue reads the body."""
    body = await request.body()
    answer = await visit.api.call(
        "review_queue",
        "POST",
        f"/v1/leases/{quote(token, safe='')}/{move}",
        content=body or None,
        headers=_IS_JSON if body else None,
        is_idempotent=True,
    )
    return JSONResponse(answer)


@router.post("/review/{name}/instructions", status_code=204)
async def post_acknowledgement(visit: AtDesk, request: Request, name: str) -> Response:
    """Note that the reviewer has read the instructions."""
    body = await request.body()
    path = "reviewers/me/instructions"
    await call(visit, "review_queue", "PUT", name, path, content=body, headers=_IS_JSON)
    return Response(status_code=204)


@router.get("/review/{name}/progress")
async def get_progress(visit: AtDesk, name: str, since: str | None = None) -> Response:
    """Return what waits, and what the reviewer did since `since`."""
    path, params = "reviewers/me/progress", {"since": since}
    return JSONResponse(await get(visit, "review_queue", name, path, **params))


@router.post("/review/{name}/remarks")
async def post_remark(visit: AtDesk, request: Request, name: str) -> Response:
    """Keep what the reviewer says of the item that is shown, of a label or the instructions."""
    answer = await call(
        visit, "review_queue", "POST", name, "feedback",
        content=await request.body(), headers=_IS_JSON, is_idempotent=True,
    )  # fmt: skip
    return JSONResponse(answer)
