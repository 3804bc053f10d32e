"""Routes of gold: items whose label is known."""

from fastapi import APIRouter, Response

from services.review_queue.lifecycle.tasks.service import as_uuid
from services.review_queue.quality.gold.labels import GoldService
from services.review_queue.quality.gold.messages import (
    GoldBatch,
    GoldList,
    GoldReceipts,
    GoldTask,
    KnownLabel,
)
from shared.http.access import ByOperator, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_cursor
from shared.problems import Conflict, ProjectArchived, Unprocessable, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["gold"])


@router.post("/gold", summary="Add items whose label is known", responses=declare(ProjectArchived))
async def post_gold(
    project: str, batch: GoldBatch, gold: Injected[GoldService], who: ByOperator
) -> GoldReceipts:
    """Take up to 1,000 items with their labels; each gets its receipt, and a bad one spoils none.

    They become decided tasks of lane `gold`, with an outcome, and are given to reviewers unseen
    among other tasks.
    """
    return await gold.add(project, batch.items, who.subject)


@router.get("/gold", summary="List gold")
async def list_gold(
    project: str,
    gold: Injected[GoldService],
    _: ByOperator,
    limit: Limit = 100,
    after: After = None,
) -> GoldList:
    """Return tasks with a known label by task id, what the model had said, and how people fare."""
    place = decode_cursor(after) or ""
    if place and as_uuid(place) != place:
        raise Unprocessable([("/query/after", "is not a cursor of this list")])
    return await gold.page(project, after=place, limit=limit)


@router.put(
    "/tasks/{task_id}/gold", summary="Vouch for a task's label", responses=declare(Conflict)
)
async def put_gold(
    project: str, task_id: str, body: KnownLabel, gold: Injected[GoldService], who: ByOperator
) -> GoldTask:
    """Make a resolved task gold. Its outcome stays as it is, and the label must be the same."""
    return await gold.vouch(project, task_id, body, who.subject)


@router.delete(
    "/tasks/{task_id}/gold",
    summary="Retire a known label",
    status_code=204,
    response_class=Response,
)
async def delete_gold(
    project: str, task_id: str, gold: Injected[GoldService], who: ByOperator
) -> None:
    """Stop giving the item to reviewers; answers to it still count."""
    await gold.retire(project, task_id, who.subject)
