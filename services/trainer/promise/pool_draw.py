"""The pool as the population of a certification: a uniform draw in its own random order."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.trainer.pool import repository as pool
from services.trainer.promise import repository
from services.trainer.promise.planning import CertificationPlan
from services.trainer.promise.population import (
    Candidate,
    Draw,
    DrawRequest,
    Insufficient,
    draw_items,
    in_region,
    plan_on,
    score_candidates,
)
from services.trainer.promise.sampling import POOL_ORDER
from services.trainer.tables import PoolItem
from shared.contracts.items import check_data

_POOL_SAMPLE = 20_000
_PAGE = 2_000


async def draw_from_pool(request: DrawRequest) -> Draw | Insufficient:
    """Draw in the pool's random order, if it holds enough items in the region."""
    async with request.resources.database.reading() as session:
        page = await pool.waiting(session, request.project.project, _POOL_SAMPLE)
    usable = _usable(page, request)
    planned = await plan_on(request, usable, "the pool has {} items that wait")
    if isinstance(planned, Insufficient):
        return planned
    scored, plan = planned
    async with request.resources.database.reading() as session:
        spent = await repository.drawn_before(session, request.project.project)
    walked, found = await _walk(request, plan, page, scored, spent)
    drawn = draw_items("pool", walked, plan, seed=POOL_ORDER, spent=spent)
    if drawn is None:
        return Insufficient(f"the pool has {found} of them")
    return replace(drawn, passed_up_to=drawn.items[-1].order_key)


async def _walk(
    request: DrawRequest,
    plan: CertificationPlan,
    page: Sequence[PoolItem],
    scored: list[Candidate],
    spent: set[str],
) -> tuple[list[Candidate], int]:
    """Walk the pool's order until enough items inside the region are found, or it ends.

    Return all that was scored, and how many of these may be drawn.
    """
    walked: list[Candidate] = []
    found = 0
    while page:
        walked += scored
        found += sum(item.item_id not in spent for item in in_region(scored, plan))
        if found >= request.labels:
            break
        async with request.resources.database.reading() as session:
            page = await pool.waiting(session, request.project.project, _PAGE, page[-1].order_key)
        scored = await score_candidates(request, _usable(page, request))
    return walked, found


def _usable(page: Iterable[PoolItem], request: DrawRequest) -> list[Candidate]:
    """Items that fit the project as it is now and whose content has not trained the version."""
    trained_on = {item.content_hash for item in request.trained_on}
    return [
        Candidate(item.item_id, item.data, item.item_metadata, item.order_key)
        for item in page
        if item.content_hash not in trained_on and not check_data(item.data, request.project.fields)
    ]
