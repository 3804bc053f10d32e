"""Reviewers: how many items, how fast, how right."""

from datetime import datetime
from typing import Any

from surehand.models.base import Model


class Estimate(Model):
    """A figure with its 95 % interval; None where there is no data."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class GoldAccuracy(Model):
    """A reviewer's accuracy on items with a known label, with its 95 % interval."""

    tasks: int
    right: int
    accuracy: float
    low: float
    high: float


class AgreementWithOutcomes(Model):
    """How often a reviewer's answer became the outcome."""

    tasks: int
    agreement: float


class Pause(Model):
    """Why a reviewer gets no tasks."""

    reason: str
    paused_by: str | None = None
    paused_at: datetime


class PauseNotice(Model):
    """Why the token's reviewer gets no tasks."""

    reason: str
    paused_at: datetime


class Standing(Model):
    """Whether the token's reviewer may begin; `read_revision` is 0 for instructions never read."""

    reviewer: str
    instructions_revision: int
    read_revision: int
    has_read: bool
    pause: PauseNotice | None = None


class Progress(Model):
    """What waits, and how many verdicts and skips the token's reviewer has given."""

    open: int
    leased: int
    verdicts: int
    skips: int


class LabelCount(Model):
    """How often a reviewer gave a label."""

    label: str
    answers: int


class LabelCounts(Model):
    """A reviewer's answers by label, the most frequent first."""

    labels: list[LabelCount]


class ReviewerStatistics(Model):
    """What a reviewer did. Rates are shares in [0, 1]; times are seconds."""

    reviewer: str
    verdicts: int
    skips: int
    skip_rate: float | None = None
    active_seconds_median: float | None = None
    verdicts_per_hour: float | None = None
    outcomes: AgreementWithOutcomes | None = None
    gold: GoldAccuracy | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None


class ReviewerTags(Model):
    """What a reviewer can do in a project, such as ``language=de``."""

    reviewer: str
    tags: list[str]


class ReviewerReport(ReviewerStatistics):
    """The same for operators, with `warnings` as sentences, and the reviewer's `tags`."""

    warnings: list[str] = []
    onboarding_left: int = 0
    gold_left: int = 0
    tags: list[str] = []
    pause: Pause | None = None


class ReviewerPair(Model):
    """How two reviewers agree, with the 95 % interval of Cohen's kappa."""

    first: str
    second: str
    tasks: int
    agreement: float
    kappa: float | None = None
    low: float | None = None
    high: float | None = None


class Agreement(Model):
    """How reviewers agree: Krippendorff's alpha, Gwet's AC1, Fleiss' kappa, and each pair.

    `note` says what is missing where nothing can be compared.
    """

    tasks: int
    verdicts: int
    alpha: Estimate
    ac1: Estimate
    fleiss: Estimate
    pairs: list[ReviewerPair] = []
    model_versions: list[dict[str, Any]] = []
    version_reviewers: list[dict[str, Any]] = []
    note: str | None = None


class Suspect(Model):
    """A resolved task whose label the model doubts."""

    task_id: str
    item_id: str
    lane: str
    label: str
    suspected_label: str
    margin: float
    model_version: str | None = None
    verdicts: int
    resolved_at: datetime


class HumanError(Model):
    """Counts that certificates allow for human error by."""

    probes: int = 0
    misses: int = 0
    compared: int = 0
    disagreed: int = 0


class GoldReceipt(Model):
    """What became of one gold item of a call."""

    item_id: str
    task_id: str | None = None
    status: str
    detail: str | None = None


class GoldReceipts(Model):
    """One receipt an item, in the order of the items."""

    items: list[GoldReceipt]


class GoldTask(Model):
    """An item with a known label, and how reviewers answered it."""

    task_id: str
    item_id: str
    label: str
    kind: str
    explanation: str | None = None
    added_by: str | None = None
    added_at: datetime
    answered: int
    right: int
    skipped: int


class FeedbackEntry(Model):
    """What a reviewer wrote about an item, a label or the instructions, and the answer."""

    feedback_id: int
    about: str
    task_id: str | None = None
    item_id: str | None = None
    label: str | None = None
    instructions_revision: int
    text: str
    author: str
    given_at: datetime
    answer: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
