"""Batches of the pool, and what their labels have brought."""

from datetime import datetime
from typing import Any

from surehand.models.base import Model


class PooledItem(Model):
    """An item of the pool; `arm` says how a batch chose it."""

    item_id: str
    data: dict[str, Any]
    metadata: dict[str, str] = {}
    state: str
    batch_id: str | None = None
    arm: str | None = None
    imported_at: datetime


class RemovedItem(Model):
    """What became of an item: `removed`, `unknown`, or the state that keeps it in the pool."""

    item_id: str
    status: str


class RemovedItems(Model):
    """One entry for each item that was to be removed, in order."""

    items: list[RemovedItem]


class Batch(Model):
    """A batch of the pool: how many tasks were made, and how many were chosen in which way.

    `used` is the strategy that chose, `version` the model that it went by.
    """

    tasks: int
    batch_id: str = ""
    strategy: str = ""
    used: str = ""
    size: int = 0
    arms: dict[str, int] = {}
    candidates: int = 0
    version: str | None = None
    requested_by: str = ""
    created_at: datetime | None = None


class Missing(Model):
    """What the first labels lack before training, in words."""

    check: str
    words: str


class StopAdvice(Model):
    """Whether to ask for further labels: `advice` is go_on or stop."""

    advice: str
    words: str
    coverage_per_100_labels: float | None = None


class ArmPoint(Model):
    """Labels of one arm, and how many of them a version gave out of fold."""

    labels: int
    right: int


class ArmComparison(Model):
    """What as many labels teach, chosen by a strategy or drawn at random.

    `verdict` is too_few, pays, does_not_pay or open; `difference` is the accuracy with chosen
    labels less that with random ones, with its 95 % paired `interval`.
    """

    verdict: str
    words: str
    version: str | None = None
    labels: int = 0
    measured: int = 0
    chosen_accuracy: float | None = None
    random_accuracy: float | None = None
    difference: float | None = None
    interval: list[float] | None = None


class CurvePoint(Model):
    """What one version made of its labels, by labels that it did not learn from."""

    version: str
    created_at: datetime
    labels: int
    measured: int
    is_uniform: bool
    accuracy: float | None
    interval: list[float]
    coverage: float
    arms: dict[str, ArmPoint] = {}
    kappa: float | None = None
    stop_items: int = 0
    control: ArmComparison | None = None


class LearningCurve(Model):
    """Versions, oldest first, and whether further labels, and their selection, help."""

    points: list[CurvePoint]
    stop: StopAdvice
    control: ArmComparison | None = None


class Labelling(Model):
    """Where the labelling of a pool stands: `stage` is seed, learning or stopped."""

    automatic: bool
    stage: str
    labels: int
    open_items: int
    missing: list[Missing] = []
    waits_for: str | None = None
    stop: StopAdvice
    selection_pays: bool | None = None
    suspects: int | None = None
    sentence: str
