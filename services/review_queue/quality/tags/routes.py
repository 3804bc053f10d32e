"""Routes of reviewers' tags."""

from fastapi import APIRouter

from services.review_queue.quality.tags.messages import ReviewerTags, TagsBody
from services.review_queue.quality.tags.service import TagService
from shared.contracts.tasks import Reviewer
from shared.http.access import ByOperator, Injected
from shared.http.body import StrictRoute
from shared.problems import BODY_PROBLEMS, LIST_PROBLEMS, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["people"])


@router.get(
    "/reviewers/{reviewer:path}/tags",
    summary="What a reviewer can do",
    responses=declare(*LIST_PROBLEMS),
)
async def get_tags(
    project: str, reviewer: Reviewer, tags: Injected[TagService], _: ByOperator
) -> ReviewerTags:
    """Return the reviewer's tags, also of one who has not been here yet."""
    return await tags.show(project, reviewer)


@router.put(
    "/reviewers/{reviewer:path}/tags",
    summary="Say what a reviewer can do",
    responses=declare(*BODY_PROBLEMS),
)
async def put_tags(
    project: str, reviewer: Reviewer, body: TagsBody, tags: Injected[TagService], _: ByOperator
) -> ReviewerTags:
    """Replace the reviewer's tags: tasks are given only to reviewers whose tags cover their needs.

    `review.match` of the project says which metadata makes needs. A task that the reviewer holds
    may be finished.
    """
    return await tags.put(project, reviewer, body.tags)
