"""Routes of figures over many projects."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.review_queue.overview.messages import FlowSeries, Overview
from services.review_queue.overview.service import OverviewService
from shared.contracts.base import UtcTime
from shared.http.access import ByOperator, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_cursor

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["overview"])


@router.get("/overview", summary="All projects with what waits in each, by name")
async def get_overview(
    overview: Injected[OverviewService],
    who: ByOperator,
    since: Annotated[
        UtcTime | None, Query(description="Count answers from then on; by default a day of UTC.")
    ] = None,
    limit: Limit = 100,
    after: After = None,
) -> Overview:
    """Return the projects that the token is for, in a few statements over all of them."""
    return await overview.projects(
        since=since, after=decode_cursor(after) or "", limit=limit, only=who.projects
    )


@router.get("/projects/{project}/queue/series", summary="Arrivals against answers over time")
async def get_series(
    project: str,
    overview: Injected[OverviewService],
    _: ByOperator,
    since: Annotated[
        UtcTime | None, Query(description="Where the first step begins; by default 7 days ago.")
    ] = None,
    step_seconds: Annotated[int, Query(ge=60, le=604_800)] = 3600,
) -> FlowSeries:
    """Return how many tasks came and how many answers were given in each step.

    The newest 200,000 of each are counted.
    """
    return await overview.series(project, since=since, step=step_seconds)
