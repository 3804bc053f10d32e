"""What is asked and answered about tasks, leases and outcomes, beside `shared.contracts.tasks`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from shared.contracts.base import MAX_BATCH, Data, ItemId, Label, Message, Metadata, Trace, UtcTime
from shared.contracts.tasks import (
    EVIDENCE_LANES,
    Comment,
    LaneName,
    OutcomeFeed,
    Reviewer,
    SourceName,
    TaskPrediction,
    TaskState,
)

EventKind = Literal[
    "created",
    "moved",
    "asked",
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
    "label_mapped",
    "erased",
]
# A list shows of an erased task only that there was one.
ShownState = Literal[TaskState, "erased"]


class TaskSummary(Message):
    """One row of the list of tasks.

    `excerpt` is how the item's first text or category begins; null where it has none.
    """

    task_id: str
    item_id: str
    lane: LaneName
    excerpt: str | None = None
    state: ShownState
    label: Label | None
    source: SourceName | None
    due_at: UtcTime | None
    created_at: UtcTime
    resolved_at: UtcTime | None


class TaskList(Message):
    """A page of tasks, by age."""

    tasks: list[TaskSummary]
    cursor: str | None


class TimelineEntry(Message):
    """One thing that happened to a task, also in `words`.

    `actor` is null where no person did it.
    """

    kind: EventKind
    actor: str | None
    at: UtcTime
    detail: dict[str, Any]
    words: str


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


class AgeBucket(Message):
    """How many waiting tasks are at least `from_seconds` old, and younger than `to_seconds`.

    `to_seconds` is null in the last bucket.
    """

    from_seconds: float
    to_seconds: float | None
    waiting: int


class QueueAges(Message):
    """The tasks that wait or are in work by age, youngest first.

    `complete` is false if there were more than are counted: then the oldest of them are.
    """

    buckets: list[AgeBucket]
    complete: bool


class QueueDepth(Message):
    """What waits, by lane; lanes where nothing waits are left out.

    `adjudication` counts the tasks that wait for an adjudicator, and are in no lane's figures.
    """

    lanes: list[LaneDepth]
    open: int
    leased: int
    adjudication: int

    @property
    def open_before_optional(self) -> int:
        """The open tasks that must be answered: they are leased before any optional one."""
        before = {"mandatory", *EVIDENCE_LANES}
        return sum(lane.open for lane in self.lanes if lane.lane in before)


class Renewal(Message):
    """The answer of renew."""

    token: str
    expires_at: UtcTime


class VerdictOnBehalf(Message):
    """The body of ``POST …/tasks/{task_id}/verdicts``: a verdict given elsewhere."""

    reviewer: Reviewer
    label: Label
    active_seconds: float | None = Field(default=None, ge=0, le=86_400)
    comment: Comment | None = None


class Adjudication(Message):
    """The body of ``POST …/tasks/{task_id}/adjudicate``: the label, and why."""

    label: Label
    comment: Comment | None = None


class ItemOutcome(Message):
    """What became of an item. Unless it is resolved it has neither label nor source.

    `data_digest` is that of the data that people saw, SHA-256 in hex; an erased item has none.
    `lane` is that of a task in review, told to services alone.
    """

    item_id: str
    status: Literal["in_review", "resolved", "erased"]
    label: Label | None
    source: SourceName | None
    task_id: str
    revision: int
    resolved_at: UtcTime | None
    data_digest: str | None
    lane: LaneName | None = Field(default=None, exclude_if=lambda value: value is None)


class ItemQuery(Message):
    """The body of ``POST …/outcomes``: the items that are asked about."""

    item_ids: Annotated[list[ItemId], Field(min_length=1, max_length=MAX_BATCH)]


class ItemOutcomes(Message):
    """What became of the items that people were asked about, in the order of the query."""

    outcomes: list[ItemOutcome]


class CallerOutcome(Message):
    """One row of the outcomes feed, as callers see it."""

    item_id: str
    task_id: str
    revision: int
    label: Label | None
    source: SourceName
    resolved_at: UtcTime
    erased: bool = Field(default=False, exclude_if=lambda value: not value)


class CallerFeed(Message):
    """A page of the outcomes feed for callers; `cursor` is never null."""

    outcomes: list[CallerOutcome]
    cursor: str

    @classmethod
    def of(cls, page: OutcomeFeed) -> Self:
        """Return what callers see of a page."""
        members = set(CallerOutcome.model_fields)
        rows = [CallerOutcome(**row.model_dump(include=members)) for row in page.outcomes]
        return cls(outcomes=rows, cursor=page.cursor)
