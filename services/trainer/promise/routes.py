"""Routes of certificates, of the figures about versions, and of exported certificates."""

from typing import Annotated

from fastapi import Path, Query
from fastapi.responses import StreamingResponse

from services.trainer.promise import certification, renewal
from services.trainer.promise.figures import service
from services.trainer.promise.figures.comparison import compare
from services.trainer.promise.figures.messages import Comparison, Confusion, Reliability, WhatIf
from services.trainer.promise.messages import CertificateView, CertifyRequest
from services.trainer.promise.proof.export import export_certificate
from services.trainer.promise.renewal import CertificationPending
from services.trainer.promise.what_if import describe_what_if
from services.trainer.resources import InActiveProject, InProject, Tools, project_router
from shared.contracts.projects import MOST_CERTAIN
from shared.contracts.versions import VERSION_PATTERN
from shared.problems import Conflict, ProjectArchived, declare

router = project_router("evidence")
StricterTargetQuery = Annotated[
    float | None, Query(gt=0.5, le=MOST_CERTAIN, description="A stricter target to suppose.")
]
VersionQuery = Annotated[
    str | None,
    Query(pattern=f"^{VERSION_PATTERN}$", description="This version; the champion without it."),
]
VersionsQuery = Annotated[
    str,
    Query(
        pattern=f"^{VERSION_PATTERN},{VERSION_PATTERN}$", description="Two versions, such as v1,v2."
    ),
]
VersionPath = Annotated[str, Path(pattern=f"^{VERSION_PATTERN}$")]
TargetQuery = Annotated[
    float | None, Query(gt=0.5, le=MOST_CERTAIN, description="The project's without it.")
]
ConfidenceQuery = Annotated[
    float | None, Query(ge=0.5, le=MOST_CERTAIN, description="The project's without it.")
]
HoursQuery = Annotated[
    float | None, Query(gt=0, le=1_000_000, description="Reviewers' hours a day, all together.")
]
PriceQuery = Annotated[float | None, Query(ge=0, le=1e9)]


@router.get(
    "/certificate", summary="Show the newest version's certification", responses=declare(Conflict)
)
async def show_certificate(
    tools: Tools, project: InProject, target_accuracy: StricterTargetQuery = None
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
    responses=declare(CertificationPending, ProjectArchived, Conflict),
)
async def certify(
    tools: Tools, project: InActiveProject, request: CertifyRequest
) -> CertificateView:
    """Certify a version anew, on a fresh draw; a certificate that it has counts meanwhile."""
    await renewal.request(tools, project, request.version)
    return await certification.describe(tools, project)


@router.get("/reliability", summary="Show how far a version's confidences can be believed")
async def show_reliability(
    tools: Tools, project: InProject, version: VersionQuery = None
) -> Reliability:
    """Show accuracy by confidence, and the risk-coverage curve, with intervals.

    Of predictions of labels that the version had not learned from. They are advice: only a
    certificate, on labels drawn for it, proves anything.
    """
    return await service.reliability(tools, project.project, version)


@router.get("/versions/{version}/confusion", summary="Show which labels a version confuses")
async def show_confusion(tools: Tools, project: InProject, version: VersionPath) -> Confusion:
    """Count out-of-fold predictions by the label that people gave and the predicted one."""
    return await service.confusion(tools, project.project, version)


@router.get("/compare", summary="Show two versions side by side")
async def show_comparison(tools: Tools, project: InProject, versions: VersionsQuery) -> Comparison:
    """Compare two versions' answers to labels that neither had learned from: advice, no test."""
    first, _, second = versions.partition(",")
    return await compare(tools, project.project, first, second)


@router.get("/what-if", summary="Show what another promise would mean", responses=declare(Conflict))
async def show_what_if(
    tools: Tools,
    project: InProject,
    target_accuracy: TargetQuery = None,
    confidence: ConfidenceQuery = None,
    reviewers_hours: HoursQuery = None,
    price_review: PriceQuery = None,
    price_error: PriceQuery = None,
) -> WhatIf:
    """Predict the share answered, reviews, errors, days to detect twice the error, and money.

    From the champion's out-of-fold evidence and recent traffic, for any target: advice, not a
    certificate.
    """
    given = service.Supposed(
        target_accuracy, confidence, reviewers_hours, price_review, price_error
    )
    return await service.suppose(tools, project, given)


@router.get(
    "/versions/{version}/certificate/export",
    summary="Export a certificate with all that it rests on",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The lines", "content": {"application/x-ndjson": {}}},
        **declare(Conflict),
    },
)
async def get_export(tools: Tools, project: InProject, version: str) -> StreamingResponse:
    """Return population, draw, verdicts, tests and certificate, for `verify-certificate`."""
    chunks = await export_certificate(tools, project, version)
    name = f"{project.project}-{version}-certificate.ndjson"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(chunks, media_type="application/x-ndjson", headers=headers)
