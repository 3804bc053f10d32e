"""The route of suspects."""

from fastapi import APIRouter

from services.review_queue.quality.suspects.messages import SuspectList
from services.review_queue.quality.suspects.service import Place, SuspectService
from shared.http.access import ByOperator, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_cursor
from shared.problems import LIST_PROBLEMS, Unprocessable, declare

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
    for a second look: about half are really wrong, and nothing is changed by itself. Evidence is
    left out: corrected where a model doubts it, it would speak for that model.
    """
    text = decode_cursor(after)
    place = None if text is None else Place.parse(text)
    if text is not None and place is None:
        raise Unprocessable([("/query/after", "is not a cursor of this list")])
    return await suspects.page(project, after=place, limit=limit)
