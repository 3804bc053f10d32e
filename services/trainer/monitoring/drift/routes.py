"""Routes of drift."""

from services.trainer.monitoring.drift import service, view
from services.trainer.monitoring.drift.messages import DriftView
from services.trainer.resources import InActiveProject, InProject, Tools, project_router
from shared.problems import Conflict, declare

router = project_router("drift")


@router.get("/drift", summary="Show whether the items have changed")
async def show_drift(tools: Tools, project: InProject) -> DriftView:
    """Show whether the champion's items are like those before, how they changed, and since when."""
    return await view.describe(tools, project)


@router.post(
    "/drift/accept", summary="Take the new items as the usual ones", responses=declare(Conflict)
)
async def accept_drift(tools: Tools, project: InActiveProject) -> DriftView:
    """Watch for drift anew from now on, and lift the warning of the drift that was found.

    Refused with 409 where no drift was found, or where it has suspended the promise.
    """
    await service.accept(tools, project)
    return await view.describe(tools, project)
