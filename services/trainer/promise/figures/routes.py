"""Routes of the figures."""

from typing import Annotated

from fastapi import Path, Query

from services.trainer.promise.figures import service
from services.trainer.promise.figures.comparison import compare
from services.trainer.promise.figures.messages import Comparison, Confusion, Reliability, WhatIf
from services.trainer.promise.figures.what_if import Supposed, suppose
from services.trainer.resources import InProject, Tools, project_router
from shared.contracts.projects import MOST_CERTAIN
from shared.contracts.versions import VERSION_PATTERN
from shared.problems import Conflict, declare

router = project_router("evidence")
VersionQuery = Annotated[
    str | None,
    Query(pattern=f"^{VERSION_PATTERN}$", description="This version; the champion without it."),
]


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
async def show_confusion(
    tools: Tools, project: InProject, version: Annotated[str, Path(pattern=f"^{VERSION_PATTERN}$")]
) -> Confusion:
    """Count out-of-fold predictions by the label that people gave and the predicted one."""
    return await service.confusion(tools, project.project, version)


@router.get("/compare", summary="Show two versions side by side")
async def show_comparison(
    tools: Tools,
    project: InProject,
    versions: Annotated[
        str,
        Query(
            pattern=f"^{VERSION_PATTERN},{VERSION_PATTERN}$",
            description="Two versions, such as v1,v2.",
        ),
    ],
) -> Comparison:
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
    given = Supposed(target_accuracy, confidence, reviewers_hours, price_review, price_error)
    return await suppose(tools, project, given)
