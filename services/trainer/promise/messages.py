"""Bodies of the routes of certificate and audits."""

from typing import Any, Literal

from shared.contracts.base import Message, UtcTime
from shared.contracts.human_error import LabelCeiling

PendingState = Literal["waiting", "open"]
CertificationState = Literal["none", PendingState, "certified", "failed", "cancelled"]
Purpose = Literal["first", "renewal", "recovery", "requested"]


class AttemptProgress(Message):
    """How far the verdicts of an attempt have come."""

    answered: int
    drawn: int


class HypothesisView(Message):
    """What another target would have got from the same labels: advice, not a certificate."""

    target_accuracy: float
    threshold: float | None = None
    coverage: float = 0.0
    labels: int = 0
    errors: int = 0


class CertificateView(Message):
    """The answer of ``GET …/certificate``: the newest attempt at the newest version.

    `plan` holds what was fixed before the first verdict; `result` and `certificate` what came of
    it, `result.classes` for each predicted class; `labels_short` about how many more labels a
    certificate needs, where it failed. `attempt` counts the draws of the version, `test_number` the
    tests of the period: they share one delta.
    `label_ceiling` bounds what any model can agree with; null before a draw was planned.
    `valid_now` says whether routers answer under the version's certificate, and `why_not` in words
    what keeps them from it; ``GET …/promise`` says the same of the champion.
    """

    state: CertificationState
    version: str | None = None
    attempt: int | None = None
    attempts_allowed: int | None = None
    test_number: int | None = None
    purpose: Purpose = "first"
    progress: AttemptProgress | None = None
    plan: dict[str, Any] | None = None
    population: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    certificate: dict[str, Any] | None = None
    labels_short: int | None = None
    hypothesis: HypothesisView | None = None
    label_ceiling: LabelCeiling | None = None
    detail: str | None = None
    valid_now: bool = False
    why_not: str | None = None
    closed_at: UtcTime | None = None


class CertifyRequest(Message):
    """The body of ``POST …/certify``: which version, null for the champion."""

    version: str | None = None
