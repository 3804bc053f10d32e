"""Routes of tasks."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from services.review_queue.lifecycle import messages
from services.review_queue.lifecycle.decisions import DecisionService
from services.review_queue.lifecycle.intake import IntakeService
from services.review_queue.lifecycle.problems import ItemErased
from services.review_queue.lifecycle.second_opinions import SecondOpinionService
from services.review_queue.lifecycle.tasks.repository import TaskFilter
from services.review_queue.lifecycle.tasks.search import TaskSearch
from services.review_queue.lifecycle.tasks.service import TaskService, place_of
from shared.contracts.base import Label, Text
from shared.contracts.second_opinions import OpinionReceipts, WantedOpinions
from shared.contracts.tasks import Lane, Reviewer, TaskBatch, TaskProgress, TaskReceipts
from shared.contracts.withdrawals import WithdrawalReceipts, Withdrawals
from shared.http.access import ByOperator, ByService, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit
from shared.problems import Conflict, ProjectArchived, declare

router = APIRouter(prefix="/v1/projects/{project}", route_class=StrictRoute, tags=["tasks"])

AgeSeconds = Annotated[float | None, Query(ge=0, le=3_153_600_000)]
SearchText = Annotated[
    Text | None,
    Query(max_length=200, description="Part of the item's id or of a text or category field."),
]
SearchMetadata = Annotated[
    list[Annotated[Text, StringConstraints(max_length=300)]],
    Query(max_length=5, description="Metadata that the item has, e.g. `channel:web`."),
]
_CORRECTED = declare(Conflict, ItemErased)


@router.post("/tasks", summary="Ask people about items", responses=declare(ProjectArchived))
async def post_tasks(
    project: str, batch: TaskBatch, intake: Injected[IntakeService], who: ByService
) -> TaskReceipts:
    """Take up to 1,000 tasks; each gets its receipt, and a bad one spoils no other.

    `created`; `existing`, with its state and label; `conflict`, known with other data;
    `rejected`, with what is wrong. One task an item: a repeated call changes nothing.
    """
    return await intake.enqueue(project, batch.tasks, who.subject)


@router.get("/tasks", summary="List and search tasks, by age")
async def list_tasks(
    project: str,
    tasks: Injected[TaskService],
    _: ByService,
    limit: Limit = 100,
    after: After = None,
    state: messages.ShownState | None = None,
    lane: Lane | None = None,
    label: Annotated[Label | None, Query()] = None,
    reviewer: Annotated[Reviewer | None, Query()] = None,
    adjudication: Annotated[bool | None, Query()] = None,
    older_than_seconds: AgeSeconds = None,
    q: SearchText = None,
    metadata: SearchMetadata = [],  # noqa: B006 - FastAPI copies it
    order: Literal["oldest", "newest"] = "oldest",
) -> messages.TaskList:
    """Return tasks that all given filters hold for; `reviewer` holds or has answered them.

    A search by `q` or `metadata` looks through 20,000 tasks a call: a page with few tasks or none
    may have a cursor, which goes on behind them.
    """
    older_than = None if older_than_seconds is None else timedelta(seconds=older_than_seconds)
    wanted = TaskFilter(state, lane, label, reviewer, older_than, adjudication)
    return await tasks.page(
        project,
        wanted,
        search=TaskSearch.of(q, metadata),
        newest_first=order == "newest",
        after=place_of(after),
        limit=limit,
    )


@router.get("/queue/ages", summary="How long tasks have waited")
async def get_ages(project: str, tasks: Injected[TaskService], _: ByService) -> messages.QueueAges:
    """Return how many waiting tasks there are by age; the oldest 200,000 are counted."""
    return await tasks.ages(project)


@router.get("/tasks/{task_id}", summary="Read a task and its timeline")
async def get_task(
    project: str, task_id: str, tasks: Injected[TaskService], _: ByService
) -> messages.TaskDetail:
    """Return all that is known of one task."""
    return await tasks.show(project, task_id)


@router.post("/tasks/{task_id}/reopen", summary="Open a resolved task again", responses=_CORRECTED)
async def reopen_task(
    project: str, task_id: str, decisions: Injected[DecisionService], who: ByOperator
) -> TaskProgress:
    """Reopen the task for all reviewers. The outcome gets a revision without a label."""
    return await decisions.reopen(project, task_id, who.subject)


@router.post(
    "/tasks/{task_id}/adjudicate", summary="Say what a task's label is", responses=_CORRECTED
)
async def adjudicate_task(
    project: str,
    task_id: str,
    body: messages.Adjudication,
    decisions: Injected[DecisionService],
    who: ByOperator,
) -> TaskProgress:
    """Resolve an open task as adjudicator; the same label again gets the same answer.

    `GET …/tasks?adjudication=true` lists the tasks that wait for one.
    """
    return await decisions.adjudicate(project, task_id, body, who.subject)


@router.post(
    "/second-opinions",
    summary="Ask another reviewer where one has answered",
    responses=declare(ProjectArchived),
)
async def post_second_opinions(
    project: str, body: WantedOpinions, opinions: Injected[SecondOpinionService], who: ByService
) -> OpinionReceipts:
    """Open resolved tasks for a second reviewer, and a third where these two disagree.

    The outcome stays as it is until its next revision, which rests on all of these answers. The
    trainer asks for it where an answer contradicts a model that it judges.
    """
    return await opinions.ask(project, body.items, who.subject)


@router.post(
    "/withdrawals",
    summary="Close tasks of a draw that has ended",
    responses=declare(ProjectArchived),
)
async def post_withdrawals(
    project: str, body: Withdrawals, decisions: Injected[DecisionService], who: ByService
) -> WithdrawalReceipts:
    """Close tasks of lanes `certification` and `shadow` that no reviewer has answered or holds.

    A task that another call asked for too stays open, in that call's lane. The trainer withdraws
    the open tasks of a certification, or a shadow stage, that ends before all its labels have come.
    """
    return await decisions.withdraw(project, body.item_ids, who.subject)


@router.post(
    "/tasks/{task_id}/verdicts",
    summary="Record a verdict that was given elsewhere",
    responses=_CORRECTED,
)
async def post_verdict(
    project: str,
    task_id: str,
    body: messages.VerdictOnBehalf,
    decisions: Injected[DecisionService],
    who: ByService,
) -> TaskProgress:
    """Take a verdict on behalf of `reviewer`; the same verdict again gets the same answer.

    Another verdict of theirs on a task that is not resolved yet takes the place of the first.
    """
    return await decisions.record(project, task_id, body, who.subject)
