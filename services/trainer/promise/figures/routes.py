"""Routes of the figures."""

from typing import Annotated

from fastapi import Query

from services.trainer.promise.figures import service
from services.trainer.promise.figures.messages import Reliability
from services.trainer.resources import InProject, Tools, project_router
from shared.contracts.versions import VERSION_PATTERN

router = project_router("evidence")
VersionQuery = Annotated[
    str | None,
    Query(pattern=f"^{VERSION_PATTERN}$", description="This version; the champion without it."),
]


@router.get("/reliability", summary="Show how far a version's confidences can be believed")
async def show_reliability(
    tools: Tools, project: InProject, version: VersionQuery = None
) -> Reliability:
    """Show accuracy by confidence, and the risk-coverage curve, with intervals.

    Of predictions of labels that the version had not learned from. They are advice: only a
    certificate, on labels drawn for it, proves anything.
    """
    return await service.reliability(tools, project.project, version)
