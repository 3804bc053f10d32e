"""The promise, its certificate and its audit: what the trainer answers."""

from datetime import datetime
from typing import Any

from pydantic import Field

from surehand.models.base import Model


class Watch(Model):
    """What the audit found of the champion's answers; `state` is calm, warned or alarmed."""

    state: str
    audited: int
    reviewed: int
    errors: int
    error_rate: float | None = None
    interval: tuple[float, float] | None = None


class Certification(Model):
    """A certification under way: `needed` labels, `drawn` items, `answered` of them."""

    version: str
    purpose: str
    state: str
    drawn: int
    answered: int
    needed: int
    detail: str | None = None


class NextEvent(Model):
    """What comes next, in words, and when or after how many labels."""

    event: str
    text: str
    at: datetime | None = None
    labels: int | None = None


class PromiseOffer(Model):
    """A version that may serve instead, and the act that lets it."""

    version: str
    threshold: float
    expires_at: datetime
    act: str
    route: str


class Promise(Model):
    """Whether automatic answers are given now, and why; `sentence` says it all."""

    state: str
    cause: str
    since: datetime | None = None
    version: str | None = None
    valid_now: bool
    why_not: str | None = None
    target_accuracy: float
    confidence: float
    threshold: float | None = None
    expires_at: datetime | None = None
    share_answered: float | None = None
    audit: Watch | None = None
    certification: Certification | None = None
    next: NextEvent | None = None
    offers: list[PromiseOffer] = []
    sentence: str


class ProjectPromise(Model):
    """One project's promise in short; each member as in `Promise`."""

    project: str
    state: str
    cause: str
    version: str | None = None
    valid_now: bool
    why_not: str | None = None
    share_answered: float | None = None
    next: NextEvent | None = None


class Promises(Model):
    """The promises of the projects that were named and exist."""

    promises: list[ProjectPromise]


class PromiseChange(Model):
    """One change of a version's state."""

    at: datetime
    version: str | None = None
    before: str | None = Field(default=None, alias="from")
    after: str = Field(alias="to")
    cause: str
    detail: str | None = None
    actor: str | None = None


class CertificateProgress(Model):
    """How many items of a draw have their label."""

    answered: int
    drawn: int


class Hypothesis(Model):
    """What the labels of a certification would prove of another target."""

    target_accuracy: float
    threshold: float | None = None
    coverage: float = 0.0
    labels: int = 0
    errors: int = 0


class Certificate(Model):
    """The newest certification of a project; `state` is none, waiting, open, certified, failed …

    `result` has what its labels prove, `certificate` the certificate itself, if there is one.
    """

    state: str
    version: str | None = None
    attempt: int | None = None
    attempts_allowed: int | None = None
    purpose: str | None = None
    progress: CertificateProgress | None = None
    result: dict[str, Any] | None = None
    certificate: dict[str, Any] | None = None
    labels_short: int | None = None
    hypothesis: Hypothesis | None = None
    detail: str | None = None
    valid_now: bool = False
    why_not: str | None = None
    closed_at: datetime | None = None


class WhatIf(Model):
    """What another promise would mean for the champion. Rates are per hour, costs in the prices."""

    version: str
    target_accuracy: float
    confidence: float
    threshold: float | None = None
    share_answered: float
    error_rate: float
    errors_per_thousand: float
    items_per_hour: float
    reviews_per_hour: float
    labels_without_error: int
    audits_to_detect: int | None = None
    days_to_detect: float | None = None
    reviews_per_reviewer_hour: float | None = None
    cost_per_hour: float | None = None
    cost_per_hour_all_reviewed: float | None = None
    note: str | None = None


class Audit(Model):
    """Audited answers of one version, and how many were wrong, with the 95 % interval."""

    version: str
    audited: int
    resolved: int
    errors: int
    error_rate: float | None = None
    lower: float | None = None
    upper: float | None = None


class Audits(Model):
    """The audits of all versions."""

    audits: list[Audit]


class AuditDay(Model):
    """The audit of one version on one day."""

    day: str
    version: str
    audited: int
    reviewed: int
    errors: int


class AuditDays(Model):
    """The audits by day, oldest first."""

    days: list[AuditDay]


class ReliabilityBin(Model):
    """Items with neighbouring confidences: how sure, and how right, with the 95 % interval."""

    labels: int
    lowest: float
    highest: float
    confidence: float
    accuracy: float
    lower: float
    upper: float


class RiskCoveragePoint(Model):
    """The share of items that reach a threshold, and the share of wrong ones among them."""

    threshold: float
    coverage: float
    accepted: int
    errors: int
    risk: float
    lower: float
    upper: float


class Reliability(Model):
    """How far the confidences of a version can be believed."""

    version: str
    evidence: str
    labels: int
    is_uniform: bool
    accuracy: float | None = None
    mean_confidence: float | None = None
    calibration_error: float | None = None
    calibration: dict[str, Any] = {}
    bins: list[ReliabilityBin] = []
    risk_coverage: list[RiskCoveragePoint] = []
    note: str | None = None
