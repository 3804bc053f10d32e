"""Routes that erase items and delete projects."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import StringConstraints

from services.review_queue.erasure.messages import ProjectDeletion, Tombstone
from services.review_queue.erasure.service import ErasureService, ProjectErasure, ProjectNotArchived
from shared.contracts.base import ItemId, Text
from shared.http.access import ITEM_ID, ByOperator, Injected
from shared.http.body import StrictRoute
from shared.problems import Unavailable, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["items"])

AnItem = Annotated[ItemId, Path()]
Why = Annotated[
    Annotated[Text, StringConstraints(max_length=1000)] | None,
    Query(description="Why it is erased; kept, so without anything of the item."),
]


@router.delete(f"/items/{ITEM_ID}", summary="Erase an item")
async def delete_item(
    project: str,
    item_id: AnItem,
    erasure: Injected[ErasureService],
    who: ByOperator,
    reason: Why = None,
) -> Tombstone:
    """Take away the item's content and what was written about it, for good; a tombstone stays.

    The same call again gets the same answer. The outcomes feed tells all who have kept a copy.
    """
    return await erasure.erase(project, item_id, reason=reason, operator=who.subject)


@router.delete(
    "",
    status_code=202,
    summary="Delete a project",
    tags=["projects"],
    responses=declare(ProjectNotArchived, Unavailable),
)
async def delete_project(
    project: str,
    erasure: Injected[ProjectErasure],
    _: ByOperator,
    confirm: Annotated[str, Query(description="The project's name, once more.")],
) -> ProjectDeletion:
    """Delete an archived project for good, with its tasks, answers, versions and decisions.

    Answers once all services learn of it; the rows are then removed in the background. The same
    call again gets the same answer.
    """
    return await erasure.delete(project, confirm)
