"""The watch of drift: few false alarms, small changes found soon, and honest figures."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from services.trainer.monitoring.drift.detector import (
    ITEMS,
    Alarm,
    DriftDetector,
    FloatArray,
    IntArray,
    take,
    ties_of,
)
from services.trainer.monitoring.drift.effects import (
    estimated_accuracy,
    label_shares,
    share_band,
    stability_index,
)
from services.trainer.monitoring.drift.watching import SEVERE, DecisionBatch, Watched, advance

BEGAN = datetime(2026, 11, 28, tzinfo=UTC)


def watched_by_detector(values: FloatArray, rng: np.random.Generator) -> DriftDetector:
    detector = DriftDetector.start(values.shape[1])
    for start in range(0, len(values), 1_000):
        page = values[start : start + 1_000]
        places = np.arange(start, start + len(page))
        detector = take(detector, page, rng.random(page.shape), places)
    return detector


def batch_of(values: FloatArray, rng: np.random.Generator) -> DecisionBatch:
    n = len(values)
    times = tuple(BEGAN + timedelta(seconds=second) for second in range(n))
    return DecisionBatch(values, rng.random(values.shape), np.arange(n), times)


@pytest.mark.thorough
def test_quiet_items_raise_few_alarms_and_a_small_shift_is_found_within_500_items() -> None:
    rng = np.random.default_rng(5)
    false_alarms, delays = 0, []
    for _ in range(30):
        values = rng.normal(size=(6_500, 2))
        values[5_000:, 0] -= 0.3
        alarm = watched_by_detector(values, rng).alarm
        delays.append(np.inf if alarm is None else alarm.place - 5_000)
        false_alarms += delays[-1] < 0
    # The bound is t / ITEMS: 30 streams of 5,000 items together have a chance of 7.5 %.
    assert false_alarms <= 1
    assert np.median(delays) <= 500


def test_the_change_is_dated_to_where_it_began() -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(size=(3_000, 3))
    values[2_000:, 2] += 1.0
    alarm = watched_by_detector(values, rng).alarm
    assert alarm is not None
    assert alarm.stream == 2
    assert abs(alarm.began - 2_000) < 60


def test_values_that_are_all_equal_or_missing_raise_no_alarm() -> None:
    rng = np.random.default_rng(8)
    values = np.ones((4_000, 2))
    values[:, 1] = -np.inf
    detector = watched_by_detector(values, rng)
    assert detector.alarm is None
    assert detector.statistic < ITEMS / 10


def test_a_share_that_rises_of_one_value_is_found() -> None:
    rng = np.random.default_rng(9)
    values = (rng.random((4_000, 1)) < 0.1).astype(float)
    values[2_500:] = rng.random((1_500, 1)) < 0.4
    assert watched_by_detector(values, rng).alarm is not None


@pytest.mark.parametrize("seed", range(3))
def test_the_state_is_the_same_to_the_last_bit_however_items_are_grouped(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.beta(8, 2, size=(3_000, 2))
    values[1_800:, 0] = rng.beta(3, 2, size=1_200)
    batch = batch_of(values, rng)
    whole, pieces, at = advance(Watched.start(2), batch), Watched.start(2), 0
    while at < len(values):
        size = int(rng.integers(1, 400))
        pieces = advance(pieces, batch.cut(at, at + size))
        at += size
    assert whole.detector.alarm == pieces.detector.alarm
    assert isinstance(whole.detector.alarm, Alarm)
    assert whole.blocks == pieces.blocks
    assert whole.is_severe == pieces.is_severe
    for name in ("moments", "recent", "recent_places", "open_sums"):
        assert np.array_equal(getattr(whole, name), getattr(pieces, name))
    for name in ("first", "statistics", "products", "starts"):
        assert np.array_equal(getattr(whole.detector, name), getattr(pieces.detector, name))
    for one, other in zip(whole.detector.counts, pieces.detector.counts, strict=True):
        assert np.array_equal(one, other)


def test_a_small_change_is_drift_and_a_large_one_is_severe() -> None:
    rng = np.random.default_rng(11)
    for shift, level in ((0.0, "quiet"), (0.4, "drift"), (1.5, "severe")):
        values = rng.normal(size=(4_000, 1))
        values[2_000:] -= shift
        assert advance(Watched.start(1), batch_of(values, rng)).level == level
    assert advance(Watched.start(1), batch_of(values[:150], rng)).level == "learning"


@pytest.mark.thorough
def test_the_history_of_a_long_watch_has_a_bound() -> None:
    rng = np.random.default_rng(12)
    watched = advance(Watched.start(1), batch_of(rng.random((101_000, 1)), rng))
    assert len(watched.blocks) <= 400
    assert watched.block_size == 500


def test_ties_are_uniform_and_belong_to_the_item() -> None:
    ties = ties_of([f"item-{number}" for number in range(4_000)], 8)
    assert np.array_equal(ties[:2], ties_of(["item-0", "item-1"], 8))
    assert np.abs(ties.mean(axis=0) - 0.5).max() < 0.02
    assert np.abs(np.corrcoef(ties.T) - np.eye(8)).max() < 0.06


def test_the_stability_index_is_small_for_the_same_and_severe_for_another_shape() -> None:
    rng = np.random.default_rng(13)
    bins = np.linspace(-4, 4, 81)
    before = np.histogram(rng.normal(size=20_000), bins)[0]
    same = np.histogram(rng.normal(size=1_000), bins)[0]
    moved = np.histogram(rng.normal(0.8, size=1_000), bins)[0]
    assert stability_index(before, same) < 0.03
    assert stability_index(before, moved) > SEVERE


def mixture(shares: FloatArray, n: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Draw n points of three normals; return (labels, calibrated probabilities at equal shares)."""
    centres = np.array([[0.0, 0.0], [1.8, 0.0], [0.0, 1.8]])
    labels = rng.choice(3, n, p=shares)
    points = centres[labels] + rng.normal(size=(n, 2))
    log = -0.5 * ((points[:, None, :] - centres) ** 2).sum(axis=2)
    likelihood = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(labels, dtype=np.int64), likelihood / likelihood.sum(axis=1, keepdims=True)


def test_label_shares_are_estimated_where_suggestions_alone_mislead() -> None:
    rng = np.random.default_rng(14)
    shares, even = np.array([0.8, 0.1, 0.1]), np.full(3, 1 / 3)
    _, probabilities = mixture(shares, 4_000, rng)
    suggested = np.bincount(probabilities.argmax(axis=1), minlength=3) / 4_000
    estimated = label_shares(probabilities, even)
    assert np.abs(estimated - shares).sum() < 0.65 * np.abs(suggested - shares).sum()
    estimate, lower, upper = share_band(probabilities[:500], even)
    assert (lower <= estimate).all()
    assert (estimate <= upper).all()


def test_accuracy_is_estimated_within_two_points_when_items_become_harder() -> None:
    rng = np.random.default_rng(15)
    labels, probabilities = mixture(np.full(3, 1 / 3), 40_000, rng)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    hard = np.flatnonzero(rng.random(len(labels)) < 1.2 - confidence)[:4_000]
    estimate = estimated_accuracy(confidence[hard])
    assert estimate is not None
    assert right[hard].mean() < right.mean() - 0.05
    assert abs(estimate - right[hard].mean()) <= 0.02
    assert estimated_accuracy(np.empty(0)) is None
