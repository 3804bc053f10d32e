"""The route of changes over all projects."""

from fastapi import APIRouter

from services.review_queue.changes.service import ChangeService, places_of
from services.review_queue.lifecycle.problems import FeedRestarted
from shared.auth import require_all_projects
from shared.contracts.changes import ChangeFeed
from shared.http.access import ByService, Injected, IsGone, WaitSeconds
from shared.http.body import StrictRoute
from shared.http.lists import After
from shared.problems import declare

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["changes"])


@router.get("/changes", summary="What changed, over all projects", responses=declare(FeedRestarted))
async def get_changes(
    changes: Injected[ChangeService],
    who: ByService,
    gone: IsGone,
    after: After = None,
    wait_seconds: WaitSeconds = 0,
) -> ChangeFeed:
    """Return which projects are new or changed, and which have new outcomes, behind `after`.

    `kind` is `project`, whose `revision` is in the store by then, or `outcomes`, where `revision`
    grows with each row of the project's feed. Without `after` every project is named. A page may
    be cut short: read on until one is empty. A cursor that is older than a restore of the database
    is refused with `feed-restarted`.
    """
    require_all_projects(who)
    return await changes.feed(places_of(after), wait_seconds=wait_seconds, gone=gone)
