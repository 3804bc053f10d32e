"""What the router says: predictions, and the decision log's rows."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import (
    MAX_BATCH,
    Data,
    FirstFaults,
    ItemId,
    Label,
    Message,
    Metadata,
    Probabilities,
    Probability,
    Trace,
    UtcTime,
    names_of,
)
from shared.contracts.items import Item

DecisionKind = Literal["answered", "in_review", "declined"]
Reason = Literal[
    "confident",
    "human",
    "below_threshold",
    "no_model",
    "model_invalid",
    "uncertified",
    "promise_suspended",
    "promise_expired",
    "forced",
    "optional_review",
]
ReviewMode = Literal["auto", "always", "never"]
ReasonName = Annotated[str, *names_of(Reason)]


class PredictRequest(Message):
    """The body of ``POST /v1/projects/{project}/predict``."""

    items: Annotated[list[Item], *FirstFaults]
    wait_seconds: float = Field(default=0, ge=0, le=60)
    review: ReviewMode = "auto"


class Prediction(Message):
    """What became of one item.

    `label` is set exactly when `decision` is `answered`: an uncertified guess is a `suggestion`.
    `propensity` is the probability with which a person is asked about this item (1.0 when in
    review, the audit rate when eligible, 0.0 when declined). `due_at` belongs to reason
    `optional_review`: the item is certified, and from then on gets the model's answer if no
    reviewer has answered and the promise still holds.
    """

    item_id: ItemId
    decision: DecisionKind
    label: Label | None
    suggestion: Label | None
    confidence: Probability | None
    probabilities: Probabilities | None
    reason: ReasonName
    audited: bool
    propensity: Probability
    model_version: str | None
    policy_revision: int | None
    task_id: str | None
    decided_at: UtcTime
    due_at: UtcTime | None = Field(default=None, exclude_if=lambda value: value is None)


class PromiseSummary(Message):
    """The promise that the answers of one call stand under; `threshold` is null uncertified."""

    state: str
    target_accuracy: float
    confidence: float
    threshold: float | None
    expires_at: UtcTime | None


class PredictResponse(Message):
    """The answer of predict: one prediction an item, in the order of the items."""

    predictions: list[Prediction]
    promise: PromiseSummary


class DecisionQuery(Message):
    """The body of ``POST …/decisions/lookup`` at the trainer.

    `settle`: where an item has no decision, read all that any router decided before the call.
    """

    item_ids: Annotated[list[ItemId], Field(min_length=1, max_length=MAX_BATCH)]
    settle: bool = False


class AnswerPromise(Message):
    """The promise under which a model answered an item, as far as it is on record.

    `threshold` is that of the certificate in force then. `target_accuracy` and `confidence` are
    null once another certificate has replaced it.
    """

    state: str
    target_accuracy: float | None
    confidence: float | None
    threshold: float | None


class KnownDecision(Message):
    """The decision on an item that was received last, as the caller was told it.

    `promise` is set where the model answered, and null for all other decisions.
    """

    item_id: ItemId
    decision: Annotated[str, *names_of(DecisionKind)]
    label: Label | None
    model_version: str | None
    reason: ReasonName
    audited: bool
    task_id: str | None
    decided_at: UtcTime
    promise: AnswerPromise | None = None


class KnownDecisions(Message):
    """The answer of ``POST …/decisions/lookup``; items without a decision are left out.

    `unsettled` says why such an item may have one all the same; null if it has none.
    """

    decisions: list[KnownDecision]
    unsettled: str | None


class DecisionRow(Prediction):
    """One row of the decision log: the item and all that predict answered for it.

    `audit_day` names the key by which audits were drawn, where the promise had one.
    """

    data: Data
    metadata: Metadata = {}
    review: Annotated[str, *names_of(ReviewMode)]
    received_at: UtcTime
    audit_day: str | None = Field(default=None, exclude_if=lambda value: value is None)
    trace: Trace = None


class ShadowRow(Message):
    """One row of the shadow log: what a shadow version would have said of an item.

    `suggestion` is null where it could not score the item. `decision_version` scored the item for
    the answer, and `decision_suggestion` is what it suggested; the decision log has the rest.
    """

    item_id: ItemId
    model_version: str
    suggestion: Label | None
    confidence: Probability | None
    probabilities: Probabilities | None
    decision_version: str | None
    decision_suggestion: Label | None
    received_at: UtcTime
    scored_at: UtcTime
