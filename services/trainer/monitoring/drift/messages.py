"""Bodies of the routes of drift."""

from typing import Literal

from shared.contracts.base import Message, UtcTime

DriftLevel = Literal["none", "learning", "quiet", "drift", "severe"]


class StreamView(Message):
    """One figure of the items: its mean and spread before, its mean now, and how far it moved.

    `shift` is the difference of the means in standard deviations, `stability_index` the population
    stability index of `recent_items` against those before.
    """

    name: str
    words: str
    mean_before: float | None
    deviation_before: float | None
    mean_recent: float | None
    shift: float | None
    stability_index: float | None


class DriftPoint(Message):
    """Decisions up to a moment: the mean of each stream, by name, and the detector's statistic."""

    at: UtcTime
    statistic: float
    means: dict[str, float | None]


class LabelShare(Message):
    """A label's share: as suggested before and now, and as estimated now, with a 95 % interval.

    The estimate holds where only the shares of the labels have changed. The interval tells the
    items' chance alone.
    """

    label: str
    before: float
    recent: float
    estimate: float
    lower: float
    upper: float


class AccuracyEstimate(Message):
    """The accuracy that the model's confidences predict: an estimate without labels, no proof.

    It cannot see that the meaning of labels has changed.
    """

    before: float | None
    recent: float | None
    recent_items: int
    note: str = (
        "An estimate from the model's confidences, no proof: it is blind to a change in what the "
        "labels mean. Audits measure the accuracy."
    )


class DriftView(Message):
    """The answer of ``GET …/drift``: whether the champion's items are like those before.

    `statistic` raises the alarm at `alarm_at`. While nothing changes, an alarm within t items has a
    chance of at most t / `alarm_at`. `began_at` is when the change began, as estimated, `found_at`
    when it was found. What is `recent` are the newest decisions, 1,000 at most: since the change,
    where there is one.
    """

    version: str | None
    level: DriftLevel
    sentence: str
    items: int = 0
    statistic: float = 0.0
    alarm_at: int
    began_at: UtcTime | None = None
    found_at: UtcTime | None = None
    changed: str | None = None
    recent_items: int = 0
    streams: list[StreamView] = []
    history: list[DriftPoint] = []
    labels: list[LabelShare] = []
    accuracy: AccuracyEstimate | None = None
