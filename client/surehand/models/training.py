"""Pool, runs and versions: what the trainer answers."""

from datetime import date, datetime
from typing import Any

from surehand.models.base import Model, RejectedLine
from surehand.models.predictions import Challenger


class DuplicateLine(Model):
    """A line whose item, or whose content, the pool has already as `same_as`."""

    line: int
    item_id: str
    same_as: str


class PoolImport(Model):
    """What became of imported items.

    `rejected` has the first thousand bad lines, `duplicates_shown` the first thousand duplicates.
    """

    imported: int
    duplicates: int
    duplicates_shown: list[DuplicateLine] = []
    rejected_count: int
    rejected: list[RejectedLine] = []


class PoolCounts(Model):
    """The items of a pool by state; `reserved` ones also count as waiting."""

    waiting: int
    reserved: int = 0
    asked: int
    passed: int
    # Trainers of the release before do not count them.
    answered: int = 0
    refused: int
    erased: int
    labelled: int
    total: int


class Run(Model):
    """A training run; `state` is queued, running, succeeded, failed or cancelled.

    `log` and `report` are those of a single run: a list of runs leaves them out. `report` is what
    the recipe tells of the training: `notes`, and of recipe `auto` the `candidates` and `chosen`.
    `cause` (operator, labels, drift, schedule, upload) began it; `reason` says why, and why it has
    its `mode`.
    """

    run_id: str
    state: str
    mode: str
    recipe: str
    progress: float
    version: str | None = None
    dataset_id: str | None = None
    detail: str | None = None
    requested_by: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cause: str | None = None
    reason: str | None = None
    log: str | None = None
    report: dict[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        """Whether the run has ended, in whatever way."""
        return self.state not in {"queued", "running"}


class Version(Model):
    """A model version; `standing` is that of its certificate, `channels` are its roles."""

    version: str
    standing: str
    channels: list[str] = []
    retired: bool = False
    threshold: float | None = None
    expires_at: datetime | None = None
    gate: dict[str, Any] = {}
    manifest: dict[str, Any] = {}


class ConfusionCell(Model):
    """How many items that people gave `label` the model called `predicted`."""

    label: str
    predicted: str
    items: int


class Confusion(Model):
    """Which labels a version confuses; cells without an item are left out."""

    version: str
    labels: list[str]
    items: int
    cells: list[ConfusionCell] = []
    note: str | None = None


class ComparisonChange(Model):
    """Items with `label` that the first version called `first`, and the second one `second`."""

    label: str
    first: str
    second: str
    items: int


class ComparisonExample(Model):
    """An item that two versions do not agree on; `label` is what people gave it."""

    item_id: str
    label: str
    first: str
    second: str
    first_confidence: float
    second_confidence: float
    data: dict[str, Any] = {}


class Comparison(Model):
    """Two versions on the same labels, new to each; `difference` is the second's less the first's.

    `lower` and `upper` are its 95 % interval; `confusion` is of the first and of the second.
    """

    versions: list[str]
    metrics: list[dict[str, float]] = []
    items: int
    both_right: int
    only_first_right: int
    only_second_right: int
    both_wrong: int
    differing: int
    difference: float | None = None
    lower: float | None = None
    upper: float | None = None
    confusion: list[list[ConfusionCell]] = []
    changes: list[ComparisonChange] = []
    examples: list[ComparisonExample] = []
    note: str | None = None


class PromotionEvent(Model):
    """A line of the history of promotions; `champion` served before it.

    A line of kind `judged` is a decision of the gate: `decision` has `promote`, `reasons`, `tests`.
    """

    at: datetime
    kind: str
    version: str
    champion: str | None = None
    actor: str | None = None
    note: str | None = None
    try_number: int | None = None
    decision: dict[str, Any] | None = None


class Encoder(Model):
    """A project's own encoder; `width` is the length of a vector."""

    sha256: str
    file_name: str | None = None
    width: int
    size_bytes: int
    uploaded_at: datetime
    uploaded_by: str
    inputs: list[dict[str, Any]] = []
    outputs: dict[str, str] = {}


class Channels(Model):
    """Which version has which role."""

    revision: int
    champion: str | None = None
    previous: str | None = None
    challenger: Challenger | None = None
    shadow: list[str] = []


class DatasetPolicy(Model):
    """How a snapshot was made: counts are of items; `changed_at` is when the traffic changed."""

    mode: str
    labels: str
    weights: str
    weight_cap: float | None = None
    folds: int | None = None
    lanes: dict[str, int] = {}
    sources: dict[str, int] = {}
    instructions: dict[str, int] = {}
    changed_at: datetime | None = None
    new_items: int | None = None


class Dataset(Model):
    """Frozen training data; `policy` is None for a snapshot of an older release."""

    dataset_id: str
    path: str
    items: int
    erased: int = 0
    labels: dict[str, int] = {}
    created_at: datetime
    policy: DatasetPolicy | None = None


class DatasetChange(Model):
    """An item that two datasets differ in, with its labels there."""

    item_id: str
    change: str
    before: str | None = None
    after: str | None = None


class DatasetDiff(Model):
    """What a dataset has and has not that another has; `changes` shows the first 1,000."""

    dataset_id: str
    against: str
    added: int
    removed: int
    relabelled: int
    changes: list[DatasetChange] = []
    policy: DatasetPolicy | None = None
    against_policy: DatasetPolicy | None = None


class Decision(Model):
    """A row of the ledger: what the router decided, and an `explanation` in words."""

    item_id: str
    decision: str
    label: str | None = None
    suggestion: str | None = None
    confidence: float | None = None
    reason: str
    model_version: str | None = None
    explanation: str | None = None
    received_at: datetime | None = None
    decided_at: datetime | None = None


class ReasonDay(Model):
    """How many decisions of a day (UTC) had a reason."""

    day: date
    reason: str
    decisions: int


class ConfidenceBin(Model):
    """How many decisions had a confidence from `lowest` to below `highest`."""

    lowest: float
    highest: float
    decisions: int


class DecisionDays(Model):
    """Decisions a day by reason, and the histogram of their confidences."""

    days: list[ReasonDay]
    confidences: list[ConfidenceBin]


class AnsweredDay(Model):
    """How many decisions there were on a day, and how many of them the model answered."""

    day: date
    decisions: int
    answered: int


class ProjectDays(Model):
    """The days of one project on which there were decisions, oldest first."""

    project: str
    days: list[AnsweredDay]


class DaysOfProjects(Model):
    """The days of several projects."""

    projects: list[ProjectDays]
