"""What is answered about tasks."""

from typing import Annotated, Any, Literal

from pydantic import Field

from shared.contracts.base import Data, Label, Message, Metadata, Trace, UtcTime
from shared.contracts.tasks import LaneName, SourceName, TaskPrediction, TaskState

EventKind = Literal[
    "created",
    "moved",
    "leased",
    "released",
    "expired",
    "superseded",
    "verdict",
    "skipped",
    "resolved",
    "reopened",
    "undone",
    "disputed",
    "adjudicated",
    "erased",
]
# A list shows of an erased task only that there was one.
ShownState = Literal[TaskState, "erased"]


class TaskSummary(Message):
    """One row of the list of tasks."""

    task_id: str
    item_id: str
    lane: LaneName
    state: ShownState
    label: Label | None
    source: SourceName | None
    due_at: UtcTime | None
    created_at: UtcTime
    resolved_at: UtcTime | None


class TaskList(Message):
    """A page of tasks, oldest first."""

    tasks: list[TaskSummary]
    cursor: str | None


class TimelineEntry(Message):
    """One thing that happened to a task; `actor` is null where no person did it."""

    kind: EventKind
    actor: str | None
    at: UtcTime
    detail: dict[str, Any]


class TaskDetail(TaskSummary):
    """A task with all that is known of it, and its timeline, oldest first."""

    data: Data
    metadata: Metadata
    prediction: TaskPrediction | None
    revision: int
    skips: int
    adjudication: bool
    holder: str | None
    lease_expires_at: UtcTime | None
    trace: Trace = None
    timeline: list[TimelineEntry]


class LaneDepth(Message):
    """What waits in one lane; `oldest_seconds` is the age of its oldest task."""

    lane: LaneName
    open: int
    leased: int
    oldest_seconds: Annotated[float, Field(ge=0)]


class QueueDepth(Message):
    """What waits, by lane; lanes where nothing waits are left out.

    `adjudication` counts the tasks that wait for an adjudicator, and are in no lane's figures.
    """

    lanes: list[LaneDepth]
    open: int
    leased: int
    adjudication: int
