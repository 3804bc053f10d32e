"""The watch of one version's decisions: detector, figures over time, and how severe it is (pure).

Equal to the last bit however decisions are grouped into calls: sums are taken one by one.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np

from services.trainer.monitoring.drift import detector as detection
from services.trainer.monitoring.drift.detector import DriftDetector, FloatArray, IntArray, bins_of
from services.trainer.monitoring.drift.effects import stability_index
from shared.contracts.base import rfc3339

Level = Literal["learning", "quiet", "drift", "severe"]

RECENT = 1_000
BLOCK = 250
SEVERE = 0.5
"""A population stability index of the confidences: two normals 0.7 standard deviations apart."""
_MOST_BLOCKS = 400
# After an alarm, severity is tested at every 50th item, from 100 items since the change on.
_LOOKS = 50
_ENOUGH = 100


@dataclass(frozen=True)
class DecisionBatch:
    """Decisions in the order of the ledger: `values` as `values_of` gives them, places, times."""

    values: FloatArray
    ties: FloatArray
    places: IntArray
    received: tuple[datetime, ...]

    def cut(self, start: int, stop: int) -> "DecisionBatch":
        """Return some of the decisions."""
        part = slice(start, stop)
        return DecisionBatch(
            self.values[part], self.ties[part], self.places[part], self.received[part]
        )


@dataclass(frozen=True)
class Watched:
    """The state of the watch after the decisions so far.

    Attributes
    ----------
    items : decisions taken in
    moments : shape (3, streams): number, sum and sum of squares of the reference's finite values
    recent : shape (at most 1,000, streams), the newest values
    recent_places : shape (at most 1,000,), their places in the ledger
    block_size : decisions of each entry of `blocks`; doubled when there are 400
    blocks : ``{"at", "statistic", "means"}`` of each full block, oldest first
    open_sums : shape (2, streams): number and sum of the finite values of the block under way
    is_severe : once the confidences of what came since the change differ by `SEVERE`
    """

    detector: DriftDetector
    items: int
    moments: FloatArray
    recent: FloatArray
    recent_places: IntArray
    open_sums: FloatArray
    blocks: tuple[dict[str, Any], ...] = ()
    block_size: int = BLOCK
    is_severe: bool = False

    @classmethod
    def start(cls, streams: int) -> "Watched":
        """Return the state before the first decision."""
        return cls(
            detector=DriftDetector.start(streams),
            items=0,
            moments=np.zeros((3, streams)),
            recent=np.empty((0, streams)),
            recent_places=np.empty(0, dtype=np.int64),
            open_sums=np.zeros((2, streams)),
        )

    @property
    def level(self) -> Level:
        """How much the decisions have changed."""
        if self.detector.alarm is not None:
            return "severe" if self.is_severe else "drift"
        return "learning" if len(self.detector.first) < detection.FIRST else "quiet"

    def since(self, place: int) -> FloatArray:
        """Return the newest values, at most 1,000, of decisions from a place on."""
        return self.recent[self.recent_places >= place]

    def shift_of(self, stream: int, place: int) -> float | None:
        """Return the stability index of a stream from a place on; None without enough items."""
        new = self.since(place)
        if len(new) < _ENOUGH or not self.detector.counts:
            return None
        return stability_index(self.detector.counts[stream], _counted(self.detector, stream, new))


def _counted(found: DriftDetector, stream: int, values: FloatArray) -> IntArray:
    """Count how many of the values, shape (n, streams), each bin of a stream has."""
    bins = bins_of(found.first[:, stream], values[:, stream])
    return np.bincount(bins, minlength=len(found.counts[stream]))


def advance(watched: Watched, batch: DecisionBatch) -> Watched:
    """Take decisions in, in the order of the ledger."""
    start = 0
    while start < len(batch.places):
        # Blocks and looks end at the same decisions whatever a call begins with.
        stop = start + _LOOKS - watched.items % _LOOKS
        watched = _step(watched, batch.cut(start, stop))
        start = stop
    return watched


def _step(watched: Watched, batch: DecisionBatch) -> Watched:
    before = watched.detector.alarm
    after = detection.take(watched.detector, batch.values, batch.ties, batch.places)
    new = len(batch.places)
    learnt = new
    if before is not None:
        learnt = 0
    elif after.alarm is not None:
        learnt = int(np.searchsorted(batch.places, after.alarm.place, "right"))
    watched = replace(
        watched,
        detector=after,
        items=watched.items + new,
        moments=_with_moments(watched.moments, batch.values[:learnt]),
        recent=np.concatenate([watched.recent, batch.values])[-RECENT:],
        recent_places=np.concatenate([watched.recent_places, batch.places])[-RECENT:],
        open_sums=_with_moments(watched.open_sums, batch.values),
    )
    if before is None and after.alarm is not None:
        watched = _without_the_changed(watched)
    if watched.items % watched.block_size == 0:
        watched = _closed_block(watched, batch.received[-1])
    return _judged(watched) if watched.items % _LOOKS == 0 else watched


def _with_moments(sums: FloatArray, values: FloatArray) -> FloatArray:
    """Add values to the sums of their powers, one by one, so that no grouping changes a bit."""
    is_finite = np.isfinite(values)
    finite = np.where(is_finite, values, 0.0)
    powers = [is_finite.astype(np.float64), finite, finite * finite][: len(sums)]
    return np.stack(
        [
            np.cumsum(np.concatenate([known[None], power]), axis=0)[-1]
            for known, power in zip(sums, powers, strict=True)
        ]
    )


def _without_the_changed(watched: Watched) -> Watched:
    """Take what came between the change and its alarm out of the reference."""
    found = watched.detector
    assert found.alarm is not None
    places = watched.recent_places
    changed = watched.recent[(places >= found.alarm.began) & (places <= found.alarm.place)]
    counts = tuple(
        np.maximum(0, known - _counted(found, stream, changed))
        for stream, known in enumerate(found.counts)
    )
    moments = watched.moments - _with_moments(np.zeros_like(watched.moments), changed)
    return replace(watched, detector=replace(found, counts=counts), moments=moments)


def _closed_block(watched: Watched, at: datetime) -> Watched:
    number, total = watched.open_sums
    means = [float(s / n) if n else None for n, s in zip(number, total, strict=True)]
    block = {"at": rfc3339(at), "statistic": watched.detector.statistic, "means": means}
    blocks, size = (*watched.blocks, block), watched.block_size
    if len(blocks) == _MOST_BLOCKS:
        blocks, size = tuple(map(_joined, blocks[::2], blocks[1::2])), 2 * size
    return replace(
        watched, blocks=blocks, block_size=size, open_sums=np.zeros_like(watched.open_sums)
    )


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    means = [
        other_mean if mean is None else mean if other_mean is None else (mean + other_mean) / 2
        for mean, other_mean in zip(one["means"], other["means"], strict=True)
    ]
    statistic = max(one["statistic"], other["statistic"])
    return {"at": other["at"], "statistic": statistic, "means": means}


def _judged(watched: Watched) -> Watched:
    alarm = watched.detector.alarm
    if alarm is None or watched.is_severe:
        return watched
    shift = watched.shift_of(0, alarm.began)
    return replace(watched, is_severe=shift is not None and shift >= SEVERE)
