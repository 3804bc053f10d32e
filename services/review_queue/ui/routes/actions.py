"""What the page's scripts ask for: the API's own routes, and tasks as HTML."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from services.review_queue.desk import routes as desk
from services.review_queue.desk.messages import Acknowledgement
from services.review_queue.desk.standing import StandingService
from services.review_queue.lifecycle.claims import ClaimService
from services.review_queue.lifecycle.routes import leases
from services.review_queue.projects.service import ProjectService
from services.review_queue.ui.fields import content_digest, displays
from services.review_queue.ui.routes.sessions import AtSite, ScriptRoute
from services.review_queue.ui.site import page
from shared.contracts.tasks import LeaseRequest
from shared.http.access import ByReviewer, Injected, IsGone
from shared.problems import Conflict

router = APIRouter(prefix="/ui", route_class=ScriptRoute, include_in_schema=False)

_MOVES: dict[str, Callable[..., Any]] = {
    "verdict": leases.post_verdict,
    "skip": leases.post_skip,
    "renew": leases.post_renew,
    "release": leases.post_release,
    "undo": leases.post_undo,
}
for _name, _route in _MOVES.items():
    router.post(f"/leases/{{token}}/{_name}")(_route)


@router.post("/p/{project}/tasks")
async def post_tasks(
    project: str,
    body: LeaseRequest,
    projects: Injected[ProjectService],
    standings: Injected[StandingService],
    claims: Injected[ClaimService],
    who: ByReviewer,
    gone: IsGone,
    site: AtSite,
) -> Response:
    """Lease tasks and return them as HTML, once the instructions have been read."""
    document = await projects.get(project)
    if not (await standings.of(project, who.subject)).has_read:
        raise Conflict("Read the instructions first.", revision=document.instructions_revision)
    leased = await claims.lease(project, who.subject, body, gone)
    # It may have been replaced while nothing came.
    document = await projects.get(project)
    shown = [
        (
            lease,
            displays(lease.task.data, document.fields, site.image_origins),
            content_digest(lease.task, document.labels),
        )
        for lease in leased.leases
    ]
    return page("tasks.html", project=document, leases=shown)


@router.post("/p/{project}/acknowledge", status_code=204)
async def post_acknowledgement(
    project: str, body: Acknowledgement, standings: Injected[StandingService], who: ByReviewer
) -> None:
    """Note that the reviewer has read the instructions."""
    await standings.acknowledge(project, who.subject, body.revision)


router.get("/p/{project}/progress")(desk.get_progress)
