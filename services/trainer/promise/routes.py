"""Routes of certificate and audits."""

from typing import Annotated

from fastapi import Query

from services.trainer.promise import certification, renewal
from services.trainer.promise.messages import CertificateView, CertifyRequest
from services.trainer.promise.renewal import CertificationPending
from services.trainer.promise.what_if import describe_what_if
from services.trainer.resources import InActiveProject, InProject, Tools, project_router
from shared.contracts.projects import MOST_CERTAIN
from shared.problems import BodyTooLarge, Conflict, NotJson, ProjectArchived, declare

router = project_router("evidence")
TargetQuery = Annotated[
    float | None, Query(gt=0.5, le=MOST_CERTAIN, description="A stricter target to suppose.")
]


@router.get(
    "/certificate", summary="Show the newest version's certification", responses=declare(Conflict)
)
async def show_certificate(
    tools: Tools, project: InProject, target_accuracy: TargetQuery = None
) -> CertificateView:
    """Show how far it is, what was fixed before it, and what came of it.

    With `target_accuracy`, also what that stricter target would have got from the same labels.
    """
    view = await certification.describe(tools, project)
    if target_accuracy is None:
        return view
    hypothesis = await describe_what_if(tools, project, target_accuracy)
    return view.model_copy(update={"hypothesis": hypothesis})


@router.post(
    "/certify",
    status_code=202,
    summary="Ask for a new certification",
    responses=declare(NotJson, BodyTooLarge, CertificationPending, ProjectArchived, Conflict),
)
async def certify(
    tools: Tools, project: InActiveProject, request: CertifyRequest
) -> CertificateView:
    """Certify a version anew, on a fresh draw; a certificate that it has counts meanwhile."""
    await renewal.request(tools, project, request.version)
    return await certification.describe(tools, project)
