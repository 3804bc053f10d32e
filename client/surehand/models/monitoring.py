"""Drift of a champion's traffic, its failing slices, relabel plans: what the trainer answers."""

from datetime import datetime

from surehand.models.base import Model


class DriftStream(Model):
    """One figure of the items, before and now; `shift` is in standard deviations."""

    name: str
    words: str
    mean_before: float | None = None
    deviation_before: float | None = None
    mean_recent: float | None = None
    shift: float | None = None
    stability_index: float | None = None


class DriftPoint(Model):
    """Decisions up to a moment: the mean of each stream, and the detector's statistic."""

    at: datetime
    statistic: float
    means: dict[str, float | None] = {}


class LabelShare(Model):
    """A label's share, as suggested before and now, and as estimated now."""

    label: str
    before: float
    recent: float
    estimate: float
    lower: float
    upper: float


class AccuracyEstimate(Model):
    """The accuracy that the model's confidences predict: an estimate, no proof."""

    before: float | None = None
    recent: float | None = None
    recent_items: int = 0
    note: str = ""


class Drift(Model):
    """Whether the champion's items are like those before.

    `level` is none, learning, quiet, drift or severe.
    """

    version: str | None = None
    level: str
    sentence: str
    items: int = 0
    statistic: float = 0.0
    alarm_at: int
    began_at: datetime | None = None
    found_at: datetime | None = None
    changed: str | None = None
    recent_items: int = 0
    streams: list[DriftStream] = []
    history: list[DriftPoint] = []
    labels: list[LabelShare] = []
    accuracy: AccuracyEstimate | None = None


class Predicate(Model):
    """One condition of a slice."""

    key: str
    value: str


class SliceExample(Model):
    """An item of a slice on which the version was wrong."""

    item_id: str
    excerpt: str
    suggestion: str | None = None
    label: str


class Slice(Model):
    """A kind of items on which a version is wrong more often than elsewhere."""

    predicates: list[Predicate]
    words: str
    items: int
    share: float
    error_rate: float
    interval: tuple[float, float]
    rest_error_rate: float
    p_value: float
    examples: list[SliceExample] = []


class Group(Model):
    """The error rate of one value of a metadata key, against all other items."""

    key: str
    value: str
    items: int
    error_rate: float
    interval: tuple[float, float]
    rest_error_rate: float
    p_value: float
    is_worse: bool


class Slices(Model):
    """Where a version fails; its `sentence` says it in short."""

    version: str | None = None
    items: int = 0
    effective_items: float = 0.0
    error_rate: float | None = None
    tested: int = 0
    sentence: str
    slices: list[Slice] = []
    groups: list[Group] = []


class SliceChange(Model):
    """Error rates of two versions on the same items."""

    words: str
    is_slice: bool
    items: int
    before: float
    before_interval: tuple[float, float]
    after: float
    after_interval: tuple[float, float]


class SliceChanges(Model):
    """What a version changed against the one before it."""

    version: str
    parent: str | None = None
    sentence: str
    changes: list[SliceChange] = []


class PlanPart(Model):
    """One kind of the new items: `items` are drawn of the `of` that there are."""

    words: str
    items: int
    of: int
    is_slice: bool


class Tranche(Model):
    """Items that are to be labelled for one purpose, and why so many."""

    name: str
    items: int
    reason: str
    parts: list[PlanPart] = []


class PlannedSlice(Model):
    """A failing slice that a plan covers."""

    words: str
    predicates: list[Predicate]


class RelabelPlan(Model):
    """What is to be labelled of the new traffic; `state` is planned or started."""

    plan_id: str
    version: str
    state: str
    since: datetime | None = None
    new_items: int
    tranches: list[Tranche]
    slices: list[PlannedSlice] = []
    created_at: datetime
    started_at: datetime | None = None
    items: int
    posted: int
    refused: int
    labelled: int


class RelabelPlans(Model):
    """The newest plans, newest first."""

    plans: list[RelabelPlan]
