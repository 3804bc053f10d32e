"""Tasks, leases and outcomes: what the review queue answers about items."""

from datetime import datetime
from typing import Any

from surehand.models.base import Model, RejectedLine


class Suggestion(Model):
    """What the model says of an item that a reviewer sees."""

    label: str
    confidence: float | None = None


class LeasedTask(Model):
    """What a reviewer sees of a task."""

    task_id: str
    item_id: str
    data: dict[str, Any]
    metadata: dict[str, str] = {}
    suggestion: Suggestion | None = None
    instructions_revision: int = 0


class Lease(Model):
    """A reviewer's claim on a task, until `expires_at`; renewed, for `lease_seconds` again."""

    token: str
    expires_at: datetime
    lease_seconds: float | None = None
    task: LeasedTask


class Leases(Model):
    """The answer to a request for tasks; empty if none came."""

    leases: list[Lease]


class Renewal(Model):
    """When a renewed lease expires."""

    token: str
    expires_at: datetime


class ShownOutcome(Model):
    """What a reviewer sees of an outcome."""

    label: str | None
    revision: int


class LeaseProgress(Model):
    """What became of a task after its reviewer did something; `state` is open, leased, resolved."""

    task_id: str
    state: str
    outcome: ShownOutcome | None = None


class TaskPrediction(Model):
    """What the router knew of an item when it asked people."""

    label: str | None = None
    confidence: float | None = None
    probabilities: dict[str, float] | None = None
    model_version: str | None = None
    propensity: float | None = None
    reason: str | None = None


class Outcome(Model):
    """An item's final label: one row of the outcomes feed.

    A later row of the item with a higher `revision` supersedes it. `label` is None if reviewers
    could not answer, if an optional task expired (`source` ``expiry``), or while a reopened task
    waits again (`verdicts` is 0). `source` is ``human``, ``consensus``, ``adjudicator``, ``model``
    or ``expiry``. An `erased` item has no content. Callers are shown item, label, source and time
    only: the rest is empty.
    """

    item_id: str
    task_id: str
    revision: int
    data: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    lane: str | None = None
    label: str | None
    source: str
    verdicts: int | None = None
    blind: bool | None = None
    prediction: TaskPrediction | None = None
    instructions_revision: int = 0
    resolved_at: datetime
    erased: bool = False
    mapped: bool = False


class OutcomePage(Model):
    """A page of the outcomes feed, and the cursor behind it: store it once the page is handled."""

    outcomes: list[Outcome]
    cursor: str


class ItemOutcome(Model):
    """What people made of an item; `status` is ``in_review``, ``resolved`` or ``erased``."""

    item_id: str
    status: str
    label: str | None = None
    source: str | None = None
    task_id: str
    revision: int
    resolved_at: datetime | None = None
    data_digest: str | None = None


class ItemOutcomes(Model):
    """What people made of the items that they were asked about; others are left out."""

    outcomes: list[ItemOutcome]


class TaskSummary(Model):
    """One row of the list of tasks."""

    task_id: str
    item_id: str
    lane: str
    excerpt: str | None = None
    state: str
    label: str | None = None
    source: str | None = None
    due_at: datetime | None = None
    created_at: datetime
    resolved_at: datetime | None = None


class TimelineEntry(Model):
    """One thing that happened to a task."""

    kind: str
    actor: str | None = None
    at: datetime
    detail: dict[str, Any] = {}


class TaskDetail(TaskSummary):
    """A task, and all that happened to it, oldest first."""

    data: dict[str, Any]
    metadata: dict[str, str] = {}
    prediction: TaskPrediction | None = None
    revision: int
    skips: int = 0
    adjudication: bool = False
    holder: str | None = None
    lease_expires_at: datetime | None = None
    timeline: list[TimelineEntry] = []


class TaskReceipt(Model):
    """What became of one task of a call: ``created``, ``existing``, ``conflict``, ``rejected``."""

    item_id: str
    task_id: str | None = None
    status: str
    state: str | None = None
    label: str | None = None
    source: str | None = None
    detail: str | None = None
    expires_at: datetime | None = None


class TaskReceipts(Model):
    """One receipt a task, in the order of the tasks."""

    tasks: list[TaskReceipt]


class TaskProgress(Model):
    """What became of a task after an operator did something."""

    task_id: str
    state: str
    outcome: Outcome | None = None


class ImportReport(Model):
    """What became of an imported file; `rejected` has the first thousand bad rows."""

    rows: int
    created: int
    existing: int
    answers: int
    rejected_count: int
    rejected: list[RejectedLine] = []
    complete: bool = True


class Tombstone(Model):
    """What is left of an erased item."""

    item_id: str
    task_id: str
    erased_at: datetime
    erased_by: str
    reason: str | None = None
    asked: bool
    revision: int


class WithdrawalReceipt(Model):
    """What became of a task: ``withdrawn``, ``returned``, ``leased`` or ``kept``."""

    item_id: str
    status: str


class WithdrawalReceipts(Model):
    """One receipt an item, in the order of the items."""

    items: list[WithdrawalReceipt]


class OpinionReceipt(Model):
    """What became of a doubted outcome: ``asked``, ``no_reviewer`` or ``refused``."""

    item_id: str
    status: str


class OpinionReceipts(Model):
    """One receipt an item, in the order of the items."""

    items: list[OpinionReceipt]
