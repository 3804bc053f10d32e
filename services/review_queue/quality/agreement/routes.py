"""The route of agreement."""

from fastapi import APIRouter

from services.review_queue.quality.agreement.messages import Agreement
from services.review_queue.quality.agreement.service import AgreementService
from shared.http.access import ByOperator, Injected
from shared.http.body import StrictRoute
from shared.problems import READ_PROBLEMS, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["people"])


@router.get(
    "/agreement", summary="How far people and models agree", responses=declare(*READ_PROBLEMS)
)
async def get_agreement(
    project: str, agreement: Injected[AgreementService], _: ByOperator
) -> Agreement:
    """Compare the newest tasks that several people answered, at most 50,000.

    Krippendorff's alpha, Gwet's AC1 and, where it is defined, Fleiss' kappa over all, each with a
    95 % bootstrap interval over tasks; Cohen's kappa of each two reviewers (the 100 busiest), of
    each model version and reviewer, and of each version and the outcomes, with its interval.
    """
    return await agreement.of(project)
