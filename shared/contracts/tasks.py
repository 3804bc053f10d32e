"""What the review queue takes in and gives out: tasks, leases, verdicts, outcomes."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from shared.contracts.base import (
    MAX_BATCH,
    Data,
    ItemId,
    Label,
    Message,
    Metadata,
    Probabilities,
    Probability,
    Text,
    Trace,
    UtcTime,
    names_of,
)

Reviewer = ItemId
Lane = Literal[
    "mandatory", "audit", "certification", "optional", "pool", "gold", "relabel", "shadow"
]
TaskState = Literal["open", "leased", "resolved"]
ReceiptStatus = Literal["created", "existing", "conflict", "rejected"]
# `expiry`: an optional task had no answer when its time was over, or a draw's task was withdrawn;
# `model`: an optional task then got the model's.
OutcomeSource = Literal["human", "consensus", "adjudicator", "expiry", "model"]
LaneName = Annotated[str, *names_of(Lane)]
SourceName = Annotated[str, *names_of(OutcomeSource)]
# Sources of what people answered: no other outcome trains, certifies or measures anything.
REVIEWED_SOURCES: tuple[OutcomeSource, ...] = ("human", "consensus", "adjudicator")
# The `detail` of a rejected receipt whose item was erased: it is never taken again.
ERASED_DETAIL = "erased"
Comment = Annotated[Text, StringConstraints(max_length=10_000)]

# Lanes whose answers are evidence: asked blind, and never trained on by the version they judge.
# Items of lane `shadow` are those on which two versions differ: they compare these two, and are no
# sample of anything else.
EVIDENCE_LANES: frozenset[Lane] = frozenset({"audit", "certification", "gold", "shadow"})
# Lanes whose labels count towards `min_new_labels`.
TRAINING_LANES: frozenset[Lane] = frozenset({"mandatory", "optional", "pool", "relabel"})


class TaskPrediction(Message):
    """What the router knew of an item when it asked for a person."""

    label: Label | None = None
    confidence: Probability | None = None
    probabilities: Probabilities | None = None
    model_version: str | None = None
    propensity: Probability | None = None
    reason: str | None = None
    policy_revision: int | None = None
    received_at: UtcTime | None = None
    decided_at: UtcTime | None = None


class NewTask(Message):
    """One entry of ``POST /v1/projects/{project}/tasks``."""

    item_id: ItemId
    data: Data
    metadata: Metadata = {}
    lane: Lane = "mandatory"
    due_at: UtcTime | None = None
    prediction: TaskPrediction | None = None
    trace: Trace = None


class TaskBatch(Message):
    """The body of ``POST …/tasks``: entries are checked one by one, so they are raw here."""

    tasks: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_BATCH)]


class TaskReceipt(Message):
    """What became of one entry of a batch.

    `expires_at` is when a task that was there already, and is open, ends by itself; left out where
    it does not.
    """

    item_id: str
    task_id: str | None
    status: ReceiptStatus
    state: TaskState | None = None
    label: Label | None = None
    source: SourceName | None = None
    detail: str | None = None
    expires_at: UtcTime | None = Field(default=None, exclude_if=lambda value: value is None)


class TaskReceipts(Message):
    """The answer of ``POST …/tasks``, in the order of the entries."""

    tasks: list[TaskReceipt]


class Outcome(Message):
    """An item's final label: one row of the outcomes feed.

    A correction is a later row of the same item with a higher `revision`. `label` is null when
    reviewers could not answer, when the task expired (`source` `expiry`), or while a reopened task
    waits for its next verdict. With `source` `model` it is the model's answer, not the reviewers'.
    `blind` says that all reviewers answered before they had seen a suggestion, or an earlier
    outcome of the task. All rows of an `erased` item have neither data,
    metadata nor prediction; a reader that kept some deletes it. The label that it had still
    counts. `mapped` says that an edit of the project gave the earlier label another name: people
    did not answer again. `data_digest` (SHA-256, hex) stands in a brief row for the data that it
    leaves out.
    """

    item_id: ItemId
    task_id: str
    revision: int
    data: Data
    metadata: Metadata
    lane: LaneName
    label: Label | None
    source: SourceName
    verdicts: int
    blind: bool
    prediction: TaskPrediction | None
    instructions_revision: int
    resolved_at: UtcTime
    trace: Trace = None
    # Left out where it is false: readers of an older release read all other rows.
    erased: bool = Field(default=False, exclude_if=lambda value: not value)
    mapped: bool = Field(default=False, exclude_if=lambda value: not value)
    data_digest: str | None = Field(default=None, exclude_if=lambda value: value is None)


def has_answer(label: str | None, verdicts: int) -> bool:
    """Say whether an outcome is an answer: a label, or that reviewers could give none.

    Any other has expired (`source` `expiry`), or its task is open again.
    """
    return label is not None or verdicts > 0


class OutcomeFeed(Message):
    """A page of the outcomes feed; `cursor` is never null."""

    outcomes: list[Outcome]
    cursor: str


class LeaseRequest(Message):
    """The body of ``POST …/leases``."""

    count: int = Field(default=1, ge=1, le=100)
    wait_seconds: float = Field(default=0, ge=0, le=60)


class Suggestion(Message):
    """What the model says of an item, shown to a reviewer."""

    label: Label
    confidence: Probability | None


class LeasedTask(Message):
    """What a reviewer sees of a task: never its lane, and no suggestion when it is blind."""

    task_id: str
    item_id: str
    data: Data
    metadata: Metadata
    suggestion: Suggestion | None
    instructions_revision: int


class Lease(Message):
    """A reviewer's expiring claim on a task; a renewed one lasts `lease_seconds` again."""

    token: str
    expires_at: UtcTime
    lease_seconds: float
    task: LeasedTask


class Leases(Message):
    """The answer of ``POST …/leases``; empty when nothing came."""

    leases: list[Lease]


class VerdictBody(Message):
    """The body of ``POST /v1/leases/{token}/verdict``."""

    label: Label
    active_seconds: float | None = Field(default=None, ge=0, le=86_400)
    comment: Comment | None = None


class SkipBody(Message):
    """The body of ``POST /v1/leases/{token}/skip``: why, and who is to answer instead.

    `others` are all other reviewers, `me` the same reviewer later, `adjudicator` an operator.
    """

    reason: Annotated[Text, StringConstraints(max_length=1000)] = ""
    to: Literal["others", "me", "adjudicator"] = "others"


class TaskProgress(Message):
    """The answer of reopen, adjudicate and a verdict on behalf: what became of the task."""

    task_id: str
    state: TaskState
    outcome: Outcome | None


class ShownOutcome(Message):
    """What a reviewer sees of an outcome: nothing that tells the lane or the prediction."""

    label: Label | None
    revision: int


class LeaseProgress(Message):
    """The answer of verdict, release, skip and undo: what became of the task."""

    task_id: str
    state: TaskState
    outcome: ShownOutcome | None
