"""Routes of outcomes."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.review_queue.lifecycle.messages import (
    CallerFeed,
    ItemOutcome,
    ItemOutcomes,
    ItemQuery,
)
from services.review_queue.lifecycle.outcomes.places import place_of
from services.review_queue.lifecycle.outcomes.service import OutcomeService
from services.review_queue.lifecycle.problems import FeedRestarted, ItemErased
from shared.contracts.tasks import OutcomeFeed
from shared.http.access import ITEM_ID, ByServiceOrCaller, Injected, IsGone, WaitSeconds
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit
from shared.problems import declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["outcomes"])

Brief = Annotated[
    bool, Query(description="Leave `data`, `metadata` and `prediction` empty: who and what only.")
]
Tail = Annotated[
    bool,
    Query(description="No outcomes, only the cursor of the feed's end: to follow it from now on."),
]


@router.get(
    "/outcomes",
    summary="Outcomes in order",
    response_model=OutcomeFeed | CallerFeed,
    responses=declare(FeedRestarted),
)
async def get_outcomes(
    project: str,
    outcomes: Injected[OutcomeService],
    who: ByServiceOrCaller,
    gone: IsGone,
    after: After = None,
    limit: Limit = 1000,
    wait_seconds: WaitSeconds = 0,
    brief: Brief = False,
    tail: Tail = False,
) -> OutcomeFeed | CallerFeed:
    """Return outcomes behind the cursor `after`; none is ever added before a cursor.

    A cursor that is older than a restore of the database is refused with `feed-restarted`: read
    the feed again from its start, and let each row replace what you have of its item.
    A correction is a later row of the same item with a higher `revision`, and supersedes it.
    `label` is null when nobody could answer (`verdicts` then counts those who were asked), or when
    the label was taken back and the task waits again (`verdicts` is 0). All rows of an erased item
    are `erased` and have no content; the last of them comes anew. With `tail` the other parameters
    do not count: what is committed after the answer is behind its cursor.

    A token of role `caller` gets of each row the item, task, revision, label, source, and the time.
    """
    is_caller = who.role == "caller"
    if tail:
        page = await outcomes.tail(project)
    else:
        page = await outcomes.feed(
            project,
            after=place_of(after),
            limit=limit,
            brief=brief or is_caller,
            wait_seconds=wait_seconds,
            gone=gone,
        )
    return CallerFeed.of(page) if is_caller else page


@router.post("/outcomes", summary="What became of many items")
async def post_outcomes(
    project: str, query: ItemQuery, outcomes: Injected[OutcomeService], who: ByServiceOrCaller
) -> ItemOutcomes:
    """Return the newest outcome of each item; those that nobody was asked about are left out."""
    shows_lanes = who.role == "service"
    found = await outcomes.of_items(project, query.item_ids, shows_lanes=shows_lanes)
    return ItemOutcomes(outcomes=found)


@router.get(
    f"/outcomes/{ITEM_ID}", summary="What became of one item", responses=declare(ItemErased)
)
async def get_outcome(
    project: str,
    item_id: str,
    outcomes: Injected[OutcomeService],
    _: ByServiceOrCaller,
    gone: IsGone,
    wait_seconds: WaitSeconds = 0,
) -> ItemOutcome:
    """Return the item's newest outcome, or that it is in review; 404 if nobody was asked."""
    return await outcomes.of_item(project, item_id, wait_seconds=wait_seconds, gone=gone)
