"""The pool as the population of a certification: a uniform draw in its own random order."""

import asyncio
from collections.abc import Sequence
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
from services.trainer.promise.unseen import Unseen
from services.trainer.tables import PoolItem

_POOL_SAMPLE = 20_000
_PAGE = 2_000


async def draw_from_pool(request: DrawRequest) -> Draw | Insufficient:
    """Draw in the pool's random order, if it holds enough items in the region."""
    async with request.resources.database.reading() as session:
        page = await pool.waiting(session, request.project.project, _POOL_SAMPLE)
    unseen = await asyncio.to_thread(Unseen, request)
    usable = await asyncio.to_thread(unseen.among, page)
    left_out = f" ({unseen.left_out} near-copies of training items left out)"
    shortage = "the pool has {} items that wait" + (left_out if unseen.left_out else "")
    planned = await plan_on(request, usable, shortage)
    if isinstance(planned, Insufficient):
        return planned
    scored, plan = planned
    async with request.resources.database.reading() as session:
        spent = await repository.drawn_before(session, request.project.project)
    walked, found = await _walk(request, unseen, plan, page, scored, spent)
    drawn = draw_items("pool", walked, plan, seed=POOL_ORDER, spent=spent)
    if drawn is None:
        return Insufficient(f"the pool has {found} of them")
    drawn.record["near_copies_left_out"] = unseen.left_out
    return replace(drawn, passed_up_to=drawn.items[-1].order_key)


async def _walk(
    request: DrawRequest,
    unseen: Unseen,
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
        scored = await score_candidates(request, await asyncio.to_thread(unseen.among, page))
    return walked, found
