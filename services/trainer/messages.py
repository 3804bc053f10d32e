"""What the trainer's HTTP API takes and gives."""

from typing import Annotated, Any, Literal

from pydantic import Field

from shared.contracts.base import Label, Message, UtcTime, at_most
from shared.contracts.versions import ModelInput

RunState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class RejectedLine(Message):
    """A line of an import that is no item; lines are counted from 1, a header included."""

    line: int
    detail: str


class PoolImport(Message):
    """The answer of ``POST …/pool``; `rejected` shows the first 1,000 of `rejected_count`."""

    imported: int
    duplicates: int
    rejected_count: int
    rejected: list[RejectedLine]


class PoolCounts(Message):
    """The answer of ``GET …/pool``; `labelled` are those that have a label."""

    waiting: int
    asked: int
    passed: int
    refused: int
    erased: int
    labelled: int
    total: int


class BatchRequest(Message):
    """The body of ``POST …/pool/batches``."""

    strategy: Literal["random", "auto"] = "auto"
    size: int = Field(ge=1, le=100_000)


class BatchReceipt(Message):
    """The answer of ``POST …/pool/batches``."""

    tasks: int


class RunRequest(Message):
    """The body of ``POST …/runs``; `recipe` null means the project's."""

    mode: Literal["initial", "fine_tune", "active"] = "initial"
    recipe: Literal["text-linear"] | None = None


class RunView(Message):
    """One training run; `log` is its tail, in the single view only."""

    run_id: str
    state: RunState
    mode: str
    recipe: str
    progress: float
    version: str | None
    dataset_id: str | None
    detail: str | None
    requested_by: str
    created_at: UtcTime
    started_at: UtcTime | None
    finished_at: UtcTime | None
    log: str | None = None


class Runs(Message):
    """A page of runs, newest first."""

    runs: list[RunView]
    cursor: str | None


class CanaryRequest(Message):
    """The body of ``POST …/canary``; `version` null or `share` 0 ends the canary."""

    version: str | None
    share: float = Field(ge=0, le=1)


Channel = Literal["champion", "previous", "challenger", "shadow"]


class OwnManifest(Message):
    """The part `manifest` of ``POST …/versions``: what the maker of a model says of it.

    `labels` name the columns of the probabilities; left out, they are the project's. `metrics`
    are the maker's own, and kept as they are.
    """

    inputs: list[ModelInput] = Field(min_length=1, max_length=1000)
    outputs: Annotated[dict[Literal["probabilities"], str], *at_most(1)] = Field(min_length=1)
    labels: list[Label] | None = Field(default=None, max_length=1000)
    metrics: Annotated[dict[str, float], *at_most(100)] = {}


class VersionView(Message):
    """One model version: its manifest, where it stands, and what the gate said of it.

    `channels` are those of channels.json that name it; a retired version is in none.
    """

    version: str
    standing: Literal["certified", "expired", "uncertified"]
    channels: list[Channel]
    retired: bool
    threshold: float | None
    expires_at: UtcTime | None
    gate: dict[str, Any]
    manifest: dict[str, Any]


class Versions(Message):
    """A page of versions, newest first."""

    versions: list[VersionView]
    cursor: str | None


class DatasetView(Message):
    """A frozen snapshot; `path` lies in the store, and lacks `erased` of its `items`."""

    dataset_id: str
    path: str
    items: int
    erased: int
    labels: dict[str, int]
    outcomes_cursor: str | None
    created_at: UtcTime


class Datasets(Message):
    """A page of datasets, newest first."""

    datasets: list[DatasetView]
    cursor: str | None


class Decisions(Message):
    """A page of the ledger, in the order of reading."""

    decisions: list[dict[str, Any]]
    cursor: str | None


class AttemptProgress(Message):
    """How far the verdicts of an attempt have come."""

    answered: int
    drawn: int


class HypothesisView(Message):
    """What another target would have got from the same labels: advice, not a certificate."""

    target_accuracy: float
    threshold: float | None
    coverage: float
    labels: int
    errors: int


class CertificateView(Message):
    """The answer of ``GET …/certificate``: the newest attempt at the newest version.

    `plan` holds what was fixed before the first verdict; `result` and `certificate` what came of
    it; `labels_short` about how many more labels a certificate needs, where it failed.
    """

    state: Literal["none", "waiting", "open", "certified", "failed", "cancelled"]
    version: str | None = None
    attempt: int | None = None
    attempts_allowed: int | None = None
    progress: AttemptProgress | None = None
    plan: dict[str, Any] | None = None
    population: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    certificate: dict[str, Any] | None = None
    labels_short: int | None = None
    hypothesis: HypothesisView | None = None
    detail: str | None = None
    closed_at: UtcTime | None = None


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
