"""The pool as the population of a certification: a uniform draw in its own random order."""

from collections.abc import Iterable, Sequence

from services.trainer.pool import repository as pool
from services.trainer.promise import repository
from services.trainer.promise.planning import CertificationPlan
from services.trainer.promise.population import (
    Candidate,
    Draw,
    DrawRequest,
    Insufficient,
    in_region,
    plan_on,
    record_of,
    score_candidates,
)
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
    found = await _walk(request, plan, page, scored)
    if len(found) < request.labels:
        return Insufficient(f"the pool has {len(found)} of them")
    return Draw(
        plan=plan,
        items=found,
        record=record_of("pool", scored, seed="the pool's random order"),
        passed_up_to=found[-1].order_key,
        population=scored,
    )


async def _walk(
    request: DrawRequest,
    plan: CertificationPlan,
    page: Sequence[PoolItem],
    scored: list[Candidate],
) -> list[Candidate]:
    """Walk the pool's order until enough items inside the region are found, or it ends."""
    name = request.project.project
    async with request.resources.database.reading() as session:
        spent = await repository.drawn_before(session, name)
    found: list[Candidate] = []
    while page:
        found += [item for item in in_region(scored, plan) if item.item_id not in spent]
        if len(found) >= request.labels:
            break
        async with request.resources.database.reading() as session:
            page = await pool.waiting(session, name, _PAGE, page[-1].order_key)
        scored = await score_candidates(request, _usable(page, request))
    return found[: request.labels]


def _usable(page: Iterable[PoolItem], request: DrawRequest) -> list[Candidate]:
    """Items that fit the project as it is now and whose content has not trained the version."""
    trained_on = {item.content_hash for item in request.trained_on}
    return [
        Candidate(item.item_id, item.data, item.item_metadata, item.order_key)
        for item in page
        if item.content_hash not in trained_on and not check_data(item.data, request.project.fields)
    ]
