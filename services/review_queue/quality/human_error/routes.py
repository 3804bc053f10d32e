"""The route of reviewers' errors."""

from fastapi import APIRouter

from services.review_queue.quality.human_error.service import HumanErrorService
from shared.contracts.human_error import HumanError
from shared.http.access import ByService, Injected
from shared.http.body import StrictRoute
from shared.problems import READ_PROBLEMS, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["people"])


@router.get(
    "/human-error",
    summary="Count reviewers' misses on gold, and their disagreements",
    responses=declare(*READ_PROBLEMS),
)
async def get_human_error(
    project: str, errors: Injected[HumanErrorService], _: ByService
) -> HumanError:
    """Count what the trainer needs to allow for reviewers' errors in a certificate.

    Misses are counted on gold that the model had got wrong, disagreements on items that two
    reviewers answered; both only where no suggestion was shown.
    """
    return await errors.of(project)
