"""The route of suspects."""

from fastapi import APIRouter

from services.review_queue.quality.suspects.messages import SuspectList
from services.review_queue.quality.suspects.service import SuspectCursor, SuspectService
from shared.http.access import ByOperator, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, parse_cursor
from shared.problems import LIST_PROBLEMS, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["people"])


@router.get("/suspects", summary="What looks mislabelled", responses=declare(*LIST_PROBLEMS))
async def list_suspects(
    project: str,
    suspects: Injected[SuspectService],
    _: ByOperator,
    limit: Limit = 100,
    after: After = None,
) -> SuspectList:
    """Return resolved tasks whose label the model doubts most, by confident learning.

    Of the newest 20,000 (fewer, where labels are many) whose prediction has probabilities. An order
    for a second look: many of them are right, and nothing is changed by itself. Evidence is left
    out: corrected where a model doubts it, it would speak for that model.
    """
    cursor = parse_cursor(after, SuspectCursor.parse)
    return await suspects.page(project, after=cursor, limit=limit)
