"""Routes of the desk."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.review_queue.desk.messages import (
    Acknowledgement,
    CaseList,
    LabelCount,
    LabelCounts,
    Progress,
    Standing,
)
from services.review_queue.desk.service import ProgressService, StandingService
from services.review_queue.lifecycle.tasks.service import place_of
from shared.contracts.base import UtcTime, utc_now
from shared.http.access import ByOperator, ByReviewer, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["people"])

Since = Annotated[
    UtcTime | None, Query(description="When the reviewer's day began; default: midnight UTC.")
]


@router.get("/reviewers/me/standing", summary="Whether I may begin")
async def get_standing(
    project: str, standings: Injected[StandingService], who: ByReviewer
) -> Standing:
    """Return which instructions the caller has read, and whether the caller is paused.

    Leases are given without it. A desk for people shows the instructions until `has_read`.
    """
    return await standings.of(project, who.subject)


@router.put("/reviewers/me/instructions", summary="Say that I have read the instructions")
async def put_acknowledgement(
    project: str, body: Acknowledgement, standings: Injected[StandingService], who: ByReviewer
) -> Standing:
    """Note the revision; an older one never replaces a newer one."""
    return await standings.acknowledge(project, who.subject, body.revision)


@router.get("/reviewers/me/progress", summary="What waits, and what I did today")
async def get_progress(
    project: str, records: Injected[ProgressService], who: ByReviewer, since: Since = None
) -> Progress:
    """Return what waits, as of some seconds ago, and what the caller did since `since`.

    Gold counts as the tasks that it seems to be.
    """
    midnight = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    return await records.progress(project, who.subject, since or midnight)


@router.get("/reviewers/me/labels", summary="How often I gave each label")
async def get_own_labels(
    project: str, records: Injected[ProgressService], who: ByReviewer
) -> LabelCounts:
    """Return the caller's answers by label, those to gold among them; skips do not count."""
    given = await records.by_label(project, who.subject)
    return LabelCounts(labels=[LabelCount(label=label, answers=count) for label, count in given])


@router.get(
    "/adjudications", summary="List tasks that wait for an adjudicator, with what reviewers said"
)
async def list_adjudications(
    project: str,
    records: Injected[ProgressService],
    _: ByOperator,
    limit: Limit = 100,
    after: After = None,
) -> CaseList:
    """Return disputed tasks, and skipped ones without a label, oldest first.

    An open one is settled by `adjudicate`; a resolved one by `reopen` first.
    """
    return await records.cases(project, after=place_of(after), limit=limit)
