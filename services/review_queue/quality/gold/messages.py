"""Messages of gold and of pauses."""

from typing import Annotated, Any, Literal

from pydantic import Field

from services.review_queue.quality.gold.choosing import Kind
from shared.contracts.base import (
    MAX_BATCH,
    Data,
    ItemId,
    Label,
    Message,
    Metadata,
    Probability,
    UtcTime,
)
from shared.contracts.tasks import Comment, Reviewer, TaskPrediction

Count = Annotated[int, Field(ge=0)]


class KnownLabel(Message):
    """The body of ``PUT …/tasks/{task_id}/gold``: the label, and why it is that."""

    label: Label
    explanation: Comment | None = None


class NewGold(Message):
    """One entry of ``POST …/gold``: an item whose label is known."""

    item_id: ItemId
    data: Data
    metadata: Metadata = {}
    prediction: TaskPrediction | None = None
    label: Label
    explanation: Comment | None = None


class GoldBatch(Message):
    """The body of ``POST …/gold``: entries are checked one by one, so they are raw here."""

    items: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_BATCH)]


class GoldReceipt(Message):
    """What became of one entry.

    `existing`: the item was resolved with this label before, and is gold now; `conflict`: it has
    another label or other data, or is under review.
    """

    item_id: str
    task_id: str | None
    status: Literal["created", "existing", "conflict", "rejected"]
    detail: str | None = None


class GoldReceipts(Message):
    """The answer of ``POST …/gold``, in the order of the entries."""

    items: list[GoldReceipt]


class GoldTask(Message):
    """A task with a known label, and how people fare on it.

    `kind` is what the model had said of the item. `added_by` is null where an adjudicator decided
    a task of lane `gold`. `answered`, `right` and `skipped` count answers to it as gold.
    """

    task_id: str
    item_id: str
    label: Label
    kind: Kind
    explanation: str | None
    added_by: str | None
    added_at: UtcTime
    answered: Count
    right: Count
    skipped: Count


class GoldList(Message):
    """A page of gold tasks, by task id."""

    gold: list[GoldTask]
    cursor: str | None


class PauseReason(Message):
    """The body of ``POST …/reviewers/{reviewer}/pause``."""

    reason: Annotated[Comment, Field(min_length=1)]


class Evidence(Message):
    """Why a reviewer was paused: P(accuracy < `least_accuracy`) > `certainty`.

    `accuracy` is its posterior mean, `low` and `high` its 95 % credible interval, from `answered`
    gold tasks of which `right` were right, since the reviewer was last resumed.
    """

    least_accuracy: Probability
    certainty: Probability
    probability_below: Probability
    accuracy: Probability
    low: Probability
    high: Probability
    answered: Count
    right: Count


class Pause(Message):
    """Since when and why a reviewer gets no tasks. `paused_by` null: the evidence alone did it."""

    reason: str
    paused_by: Reviewer | None
    paused_at: UtcTime
    evidence: Evidence | None
