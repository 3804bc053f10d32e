"""Routes of times: where they went, and what to expect."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from services.review_queue.timings.capacity import CapacityService
from services.review_queue.timings.messages import CapacityForecast, QueueForecast, Timings
from services.review_queue.timings.service import TimingService
from shared.contracts.base import UtcTime
from shared.http.access import ByOperator, ByService, Injected
from shared.http.body import StrictRoute

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["timings"])


@router.get("/timings", summary="Where an item's time goes")
async def get_timings(
    project: str,
    timings: Injected[TimingService],
    _: ByOperator,
    since: Annotated[UtcTime | None, Query()] = None,
    cost_per_hour: Annotated[float | None, Query(ge=0, le=1e6)] = None,
) -> Timings:
    """Return each step's percentiles over the newest 10,000 resolved items, and the bottleneck.

    With `cost_per_hour` of a reviewer's active work, also what a verdict and a corrected error
    cost.
    """
    return await timings.timings(project, since=since, cost_per_hour=cost_per_hour)


@router.get("/capacity", summary="Whether reviewers keep up")
async def get_capacity(
    project: str,
    capacity: Injected[CapacityService],
    _: ByOperator,
    days: Annotated[int, Query(ge=1, le=28)] = 7,
) -> CapacityForecast:
    """Compare what must be answered with the reviewers' hours, and say what to do in which order.

    Nothing of it is done by itself.
    """
    return await capacity.forecast(project, days)


@router.get("/queue", summary="What waits, and for how long")
async def get_queue(
    project: str,
    timings: Injected[TimingService],
    _: ByService,
    window_seconds: Annotated[float, Query(ge=1, le=604_800)] = 3600,
) -> QueueForecast:
    """Return what waits by lane, the rates of the last `window_seconds`, and the expected wait."""
    return await timings.forecast(project, timedelta(seconds=window_seconds))
