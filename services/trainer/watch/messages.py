"""Bodies of the routes of audits, the promise and its history."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from services.trainer.promise.messages import PendingState, Purpose
from shared.contracts.base import Message, Text, UtcTime
from shared.contracts.versions import PromiseState


class AuditView(Message):
    """Audited answers of one version; the interval is Clopper and Pearson's, 95 %, two-sided."""

    version: str
    audited: int
    resolved: int
    errors: int
    error_rate: float | None
    lower: float | None
    upper: float | None


class Audits(Message):
    """The answer of ``GET …/audit``."""

    audits: list[AuditView]


class AuditDay(Message):
    """Audited answers of one version that were given on one day (UTC)."""

    day: date
    version: str
    audited: int
    reviewed: int
    errors: int


class AuditDays(Message):
    """The answer of ``GET …/audit/days``, oldest first."""

    days: list[AuditDay]


class SuspendRequest(Message):
    """The body of ``POST …/suspend``: why automation is stopped, for the history."""

    cause: Annotated[Text, StringConstraints(min_length=1, max_length=1000)]


class ScoreBand(Message):
    """Audited answers of scores from `least` to below `most` (the last band: 1 included).

    The intervals of all bands hold the error rates at all times at once, with the promise's
    confidence for all together.
    """

    least: float
    most: float
    answered: int
    reviewed: int
    errors: int
    error_rate: float | None
    interval: tuple[float, float] | None


class WatchView(Message):
    """What the audit has found under the present certificate.

    `interval` holds the error rate at all times at once, with the promise's confidence.
    `post_stratified` is the error rate with each of `bands` weighted by its share of the answers;
    null while one with answers has no reviewed audit.
    """

    state: Literal["calm", "warned", "alarmed"]
    audited: int
    reviewed: int
    errors: int
    error_rate: float | None
    interval: tuple[float, float] | None
    post_stratified: float | None
    bands: list[ScoreBand]


class CertificationUnderWay(Message):
    """A certification that has not ended: ``open``, or ``waiting`` for what `detail` says.

    `answered` of the `drawn` items are settled; `needed` more labels end it.
    """

    version: str
    purpose: Purpose
    state: PendingState
    drawn: int
    answered: int
    needed: int
    detail: str | None


class NextEvent(Message):
    """What happens next.

    After `labels` more a certification ends, or a version is trained where none serves yet; or the
    certificate expires at `at`.
    """

    event: Literal["training", "certification", "expiry"]
    at: UtcTime | None = None
    labels: int | None = None
    text: str


class PromiseOffer(Message):
    """Another version whose certificate is valid, and the act that lets it serve."""

    version: str
    threshold: float
    expires_at: UtcTime
    act: Literal["promote"]
    route: str


class PromiseView(Message):
    """The answer of ``GET …/promise``: whether the champion may answer alone now, and why.

    `valid_now` is what routers go by; `why_not` says in words what is missing. `share_answered` is
    the share of automatic answers among its decisions since the certificate, as far as they are of
    the project's newest 500.
    `offers` are the versions that could answer in its place, newest first; only an operator lets
    one serve.
    """

    state: PromiseState
    cause: str
    since: UtcTime | None
    version: str | None
    valid_now: bool
    why_not: str | None
    target_accuracy: float
    confidence: float
    threshold: float | None = None
    expires_at: UtcTime | None = None
    share_answered: float | None = None
    audit: WatchView | None = None
    certification: CertificationUnderWay | None = None
    next: NextEvent | None = None
    offers: list[PromiseOffer] = []
    sentence: str


class ProjectPromise(Message):
    """One project's promise in short; each member as in ``GET …/promise``."""

    project: str
    state: PromiseState
    cause: str
    version: str | None
    valid_now: bool
    why_not: str | None
    share_answered: float | None
    next: NextEvent | None


class Promises(Message):
    """The answer of ``GET /v1/promises``: the projects that were named and exist."""

    promises: list[ProjectPromise]


class PromiseChangeView(Message):
    """A line of the history of a promise."""

    at: UtcTime
    version: str | None
    from_state: PromiseState | None = Field(serialization_alias="from")
    to_state: PromiseState = Field(serialization_alias="to")
    cause: str
    detail: str | None
    actor: str | None


class PromiseHistory(Message):
    """The answer of ``GET …/promise/history``, oldest first."""

    changes: list[PromiseChangeView]
    cursor: str | None
