"""What an import takes and an export gives: one record a task."""

from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field, model_validator

from shared.contracts.base import ItemId, Label, Message, UtcTime
from shared.contracts.tasks import Comment, Lane, OutcomeSource, Reviewer, TaskPrediction, TaskState

LONGEST_ACTIVE_SECONDS = 86_400.0
# The keys of a record that say how its task stands.
STANDING = (
    *("task_id", "state", "adjudication", "label", "source", "revision"),
    *("created_at", "resolved_at"),
)


class GivenVerdict(Message):
    """One reviewer's answer, or a skip (`label` null, `comment` the reason).

    `instructions_revision` is that of the instructions the reviewer had, null if unknown.
    """

    reviewer: Reviewer
    label: Label | None = None
    skipped: bool = False
    comment: Comment | None = None
    active_seconds: float | None = Field(default=None, ge=0, le=LONGEST_ACTIVE_SECONDS)
    blind: bool = False
    instructions_revision: int | None = Field(default=None, ge=1, le=1_000_000)
    given_at: UtcTime | None = None

    @model_validator(mode="after")
    def _answer_or_skip(self) -> Self:
        if self.skipped == (self.label is not None):
            raise ValueError("a verdict has a label, and a skip has none")
        return self


class TaskRecord(Message):
    """A task with its item, how it stands, and all answers that stand.

    An export gives every key; an import needs `item_id` and `data`. `task_id` follows from the
    project and the item. Without `state` the label, else the verdicts, say how the task stands;
    without `adjudication` the verdicts say whether it waits for one.
    """

    item_id: ItemId
    data: dict[str, Any]
    metadata: dict[str, Any] = {}
    lane: Lane = "mandatory"
    due_at: UtcTime | None = None
    prediction: TaskPrediction | None = None
    task_id: str | None = None
    state: TaskState | None = None
    adjudication: bool | None = None
    label: Label | None = None
    source: OutcomeSource | None = None
    revision: int = Field(default=0, ge=0, le=1_000_000)
    created_at: UtcTime | None = None
    resolved_at: UtcTime | None = None
    verdicts: list[GivenVerdict] = Field(default=[], max_length=1000)

    @model_validator(mode="after")
    def _label_of_resolved(self) -> Self:
        if self.label is not None and self.state in {"open", "leased"}:
            raise ValueError("only a resolved task has a label")
        if self.label is not None and self.source == "expiry":
            raise ValueError("a task that expired has no label")
        if self.adjudication and (self.label is not None or self.state not in {"open", None}):
            raise ValueError("only an open task waits for an adjudicator")
        return self

    @property
    def says_more(self) -> bool:
        """Whether it says more than what a new task has by itself."""
        return bool(self.model_fields_set & {*STANDING, "verdicts"} - {"task_id"})

    def faults(self, labels: list[str]) -> list[tuple[str, str]]:
        """Say which labels are none of the project's."""
        given = [("/label", self.label)]
        given += [(f"/verdicts/{i}/label", one.label) for i, one in enumerate(self.verdicts)]
        return [
            (pointer, "is not a label of this project")
            for pointer, label in given
            if label is not None and label not in labels
        ]

    def entry(self) -> dict[str, Any]:
        """Return what ``POST …/tasks`` would be sent."""
        keys = ("item_id", "data", "metadata", "lane", "due_at")
        prediction = self.prediction and self.prediction.model_dump(mode="json")
        return {key: getattr(self, key) for key in keys} | {"prediction": prediction}


@dataclass(frozen=True)
class Row:
    """One row of a file, as read: a record's document, or its fault.

    `line` is the line that it ends on in text by lines, else its number, from 1. `weight` is about
    how many bytes it has, where it does not come as the body does.
    """

    line: int
    document: dict[str, Any] | None
    fault: str | None = None
    weight: int = 0


class UnreadableError(Exception):
    """The file cannot be read, or not any further; the message says why."""


class RejectedRow(Message):
    """A row that was not taken in, and why."""

    line: int
    detail: str


class ImportReport(Message):
    """What became of an import.

    `created` and `existing` count tasks, `answers` the verdicts and skips that were recorded;
    `rejected` shows the first 1,000 of `rejected_count`. With `complete` false the body could not
    be read to its end: what came before that is kept, and the last rejection says why.
    """

    rows: int
    created: int
    existing: int
    answers: int
    rejected_count: int
    rejected: list[RejectedRow]
    complete: bool
