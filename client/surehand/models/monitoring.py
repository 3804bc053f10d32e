"""Drift of a champion's traffic: what the trainer answers."""

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
    """The accuracy as the model's own confidences have it: an estimate, no proof."""

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
