"""Routes of outcomes."""

from fastapi import APIRouter, Request

from services.review_queue.api.access import ByService, ByServiceOrCaller, InRooms, WaitSeconds
from services.review_queue.messages import ItemOutcome
from shared.contracts.tasks import OutcomeFeed
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_position
from shared.problems import Forbidden, NotFound, Unauthorized, Unprocessable, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["outcomes"])


@router.get(
    "/outcomes",
    summary="Outcomes in order",
    responses=declare(Unauthorized, Forbidden, NotFound, Unprocessable),
)
async def get_outcomes(
    project: str,
    request: Request,
    rooms: InRooms,
    _: ByService,
    after: After = None,
    limit: Limit = 1000,
    wait_seconds: WaitSeconds = 0,
) -> OutcomeFeed:
    """Return outcomes behind the cursor `after`; none is ever added before a cursor.

    A correction is a later row of the same item with a higher `revision`, and supersedes it.
    `label` is null when nobody could answer (`verdicts` then counts those who were asked), or when
    the label was taken back and the task waits again (`verdicts` is 0).
    """
    return await rooms.outcomes.feed(
        project,
        after=decode_position(after),
        limit=limit,
        wait_seconds=wait_seconds,
        gone=request.is_disconnected,
    )


@router.get(
    "/outcomes/{item_id:path}",
    summary="What became of one item",
    responses=declare(Unauthorized, Forbidden, NotFound, Unprocessable),
)
async def get_outcome(
    project: str,
    item_id: str,
    request: Request,
    rooms: InRooms,
    _: ByServiceOrCaller,
    wait_seconds: WaitSeconds = 0,
) -> ItemOutcome:
    """Return the item's newest outcome, or that it is in review; 404 if nobody was asked."""
    return await rooms.outcomes.of_item(
        project, item_id, wait_seconds=wait_seconds, gone=request.is_disconnected
    )
