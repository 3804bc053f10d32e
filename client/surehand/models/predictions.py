"""What the router answers."""

from datetime import datetime

from surehand.models.base import Model


class PromiseSummary(Model):
    """The promise that the answers of a call stand under; `threshold` is None uncertified."""

    state: str
    target_accuracy: float
    confidence: float
    threshold: float | None = None
    expires_at: datetime | None = None


class Prediction(Model):
    """What became of one item.

    Attributes
    ----------
    decision
        ``answered``, ``in_review`` (people are asked) or ``declined`` (only with review
        ``never``).
    label
        The answer; None unless `decision` is ``answered``.
    suggestion
        The model's guess, which no promise covers.
    confidence : in [0, 1]
        Calibrated probability of `suggestion`.
    reason
        Why: ``confident``, ``human``, ``below_threshold``, ``no_model``, ``uncertified`` …
    audited
        Whether a person checks this answer.
    task_id
        The review task, if there is one.
    due_at
        Of an optional review: when the model's answer counts unless a reviewer has answered.
    """

    item_id: str
    decision: str
    label: str | None
    suggestion: str | None = None
    confidence: float | None = None
    probabilities: dict[str, float] | None = None
    reason: str
    audited: bool = False
    propensity: float
    model_version: str | None = None
    policy_revision: int | None = None
    task_id: str | None = None
    decided_at: datetime
    due_at: datetime | None = None


class PredictResponse(Model):
    """The answer to one call of predict."""

    predictions: list[Prediction]
    promise: PromiseSummary


class AnswerPromise(Model):
    """The promise under which the model answered an item, as far as it is on record."""

    state: str
    target_accuracy: float | None = None
    confidence: float | None = None
    threshold: float | None = None


class ItemStatus(Model):
    """What became of an item, or what the caller was told of it.

    `status` is ``answered`` or ``declined`` (by the router: `decided_at`, `audited` and
    `model_version` say more), ``in_review``, ``resolved`` (by people), ``erased`` or ``unknown``.
    `promise` is set where the model answered.
    """

    item_id: str
    status: str
    label: str | None = None
    source: str | None = None
    task_id: str | None = None
    revision: int | None = None
    resolved_at: datetime | None = None
    model_version: str | None = None
    decided_at: datetime | None = None
    audited: bool | None = None
    promise: AnswerPromise | None = None


class ItemStatuses(Model):
    """One entry an item, in the order of the items."""

    outcomes: list[ItemStatus]


class Challenger(Model):
    """A version that answers a share of the traffic."""

    version: str
    share: float


class ModelStatus(Model):
    """What a project serves with, on one router.

    `valid_now` says whether `serving` may answer alone now, `why_not` why it may not; `loaded` has
    the SHA-256 digests of the versions in memory, `failures` why others are not.
    """

    project: str
    champion: str | None
    previous: str | None = None
    challenger: Challenger | None = None
    shadow: list[str] = []
    promise: PromiseSummary
    valid_now: bool
    why_not: str | None = None
    serving: str | None = None
    loaded: dict[str, str] = {}
    failures: dict[str, str] = {}
