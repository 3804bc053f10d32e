"""The draw of a certification: from traffic once that suffices, before that from the pool."""

from dataclasses import replace

from services.trainer.promise.pool_draw import draw_from_pool
from services.trainer.promise.population import Draw, DrawRequest, Insufficient
from services.trainer.promise.traffic import draw_from_traffic


async def draw(request: DrawRequest) -> Draw | Insufficient:
    """Draw by which a test goes on or, if it cannot, by which another one begins."""
    if request.going_on is None:
        return await _first_draw(request)
    # A test goes on with the population that it began with: traffic comes, but a pool may end.
    kind, _ = request.going_on
    drawn = await (draw_from_traffic if kind == "traffic" else draw_from_pool)(request)
    if isinstance(drawn, Draw):
        return drawn
    if kind == "traffic":
        return Insufficient(f"waits for {_wanted(request)}: {drawn.detail}")
    return await _first_draw(replace(request, going_on=None))


async def _first_draw(request: DrawRequest) -> Draw | Insufficient:
    """Draw from recent traffic if it suffices, else from the pool; the record says why not."""
    from_traffic = await draw_from_traffic(request)
    if isinstance(from_traffic, Draw):
        return from_traffic
    if not request.uses_pool:
        if from_traffic.is_final:
            return from_traffic
        return Insufficient(f"waits for {_wanted(request)}: {from_traffic.detail}")
    from_pool = await draw_from_pool(request)
    if isinstance(from_pool, Draw):
        from_pool.record["why_not_traffic"] = from_traffic.detail
        return from_pool
    if from_pool.is_final:
        return from_pool
    return Insufficient(
        f"waits for {_wanted(request)}: {from_traffic.detail}, "
        f"{from_pool.detail}; send traffic or import unlabelled items into the pool",
        is_final=from_traffic.is_final,
    )


def _wanted(request: DrawRequest) -> str:
    return f"{request.labels} items in the candidate region"
