"""Routes of the activity log."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.review_queue.activity.messages import Action, ActivityList
from services.review_queue.activity.service import ActivityCursor, ActivityService
from shared.auth import require_all_projects
from shared.contracts.tasks import Reviewer
from shared.http.access import ByOperator, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["activity"])


Actor = Annotated[Reviewer | None, Query(description="Only what this one did.")]
WantedAction = Annotated[Action | None, Query(description="Only what was done like this.")]


@router.get("/projects/{project}/activity", summary="Who did what in a project, newest first")
async def get_activity(
    project: str,
    activity: Injected[ActivityService],
    _: ByOperator,
    actor: Actor = None,
    action: WantedAction = None,
    limit: Limit = 100,
    after: After = None,
) -> ActivityList:
    """Return what people and services did; answers to tasks are read from their timelines."""
    return await activity.page(
        project, actor=actor, action=action, after=ActivityCursor.of(after), limit=limit
    )


@router.get("/activity", summary="Who did what outside of any single project, newest first")
async def get_deployment_activity(
    activity: Injected[ActivityService],
    who: ByOperator,
    actor: Actor = None,
    action: WantedAction = None,
    limit: Limit = 100,
    after: After = None,
) -> ActivityList:
    """Return sessions that are for several projects or all; a token for all may ask."""
    require_all_projects(who)
    return await activity.page(
        None, actor=actor, action=action, after=ActivityCursor.of(after), limit=limit
    )
