"""Routes of leases and of what their holders do."""

from fastapi import APIRouter

from services.review_queue.lifecycle.claims import ClaimService
from services.review_queue.lifecycle.messages import Renewal
from services.review_queue.lifecycle.moves import MoveService
from services.review_queue.lifecycle.problems import LeaseExpired, ReviewerPaused
from shared.contracts.tasks import LeaseProgress, LeaseRequest, Leases, SkipBody, VerdictBody
from shared.http.access import ByReviewer, Injected, IsGone
from shared.http.body import StrictRoute
from shared.problems import Conflict, Forbidden, ProjectArchived, declare

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["leases"])

_ONE_AT_ONCE = LeaseRequest()
_NO_REASON = SkipBody()
_REFUSED = declare(Conflict, LeaseExpired)


@router.post(
    "/projects/{project}/leases",
    summary="Lease tasks",
    responses=declare(Forbidden, ReviewerPaused, ProjectArchived),
)
async def post_leases(
    project: str,
    claims: Injected[ClaimService],
    who: ByReviewer,
    gone: IsGone,
    body: LeaseRequest = _ONE_AT_ONCE,
) -> Leases:
    """Lease up to `count` tasks, or none when none came within `wait_seconds`."""
    return await claims.lease(project, who.subject, body, gone)


@router.post("/leases/{token}/verdict", summary="Give a verdict", responses=_REFUSED)
async def post_verdict(
    token: str, body: VerdictBody, moves: Injected[MoveService], who: ByReviewer
) -> LeaseProgress:
    """Answer the task. The same body again gets the same answer, also after the lease's end."""
    return await moves.submit(token, body, who)


@router.post("/leases/{token}/skip", summary="Leave the task to others", responses=_REFUSED)
async def post_skip(
    token: str, moves: Injected[MoveService], who: ByReviewer, body: SkipBody = _NO_REASON
) -> LeaseProgress:
    """Skip the task. After `max_overlap` reviewers have skipped it, no other is asked."""
    return await moves.skip(token, body, who)


@router.post("/leases/{token}/renew", summary="Keep the task longer", responses=_REFUSED)
async def post_renew(token: str, moves: Injected[MoveService], who: ByReviewer) -> Renewal:
    """Let the lease last as long again, from now on."""
    return await moves.renew(token, who)


@router.post("/leases/{token}/release", summary="Give the task back", responses=_REFUSED)
async def post_release(token: str, moves: Injected[MoveService], who: ByReviewer) -> LeaseProgress:
    """Give the task back at once.

    Any reviewer may claim it; if none does, the caller gets it next.
    """
    return await moves.release(token, who)


@router.post("/leases/{token}/undo", summary="Take the answer back", responses=_REFUSED)
async def post_undo(token: str, moves: Injected[MoveService], who: ByReviewer) -> LeaseProgress:
    """Take one's own verdict or skip back, while nothing came after it.

    The outcome gets a revision without a label, and the task waits for the same reviewer.
    """
    return await moves.undo(token, who)
