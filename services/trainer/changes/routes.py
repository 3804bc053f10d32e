"""The route of changes over all projects."""

from services.trainer.changes import service
from services.trainer.resources import Tools, all_projects_router
from shared.auth import require_all_projects
from shared.contracts.changes import ChangeFeed
from shared.http.access import ByService, IsGone, WaitSeconds
from shared.http.lists import After
from shared.problems import declare

router = all_projects_router("changes")


@router.get(
    "/changes",
    summary="Which documents changed, over all projects",
    responses=declare(service.ChangesRestarted),
)
async def get_changes(
    tools: Tools, who: ByService, gone: IsGone, after: After = None, wait_seconds: WaitSeconds = 0
) -> ChangeFeed:
    """Return which projects have a new `channels` or `promise` in the store behind `after`.

    Without `after` every document is named. A cursor that is older than a restore of the store is
    refused with `feed-restarted`.
    """
    require_all_projects(who)
    place = service.place_of(after)
    return await service.feed(tools, place, wait_seconds=wait_seconds, gone=gone)
