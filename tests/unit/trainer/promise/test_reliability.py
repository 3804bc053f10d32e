"""Reliability bins and the risk-coverage curve, against counts by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.promise.figures.reliability import (
    BINS,
    POINTS,
    reliability_bins,
    risk_coverage,
)

rows = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=200)


def test_bins_of_known_rows() -> None:
    scores = [0.5] * 10 + [0.9] * 10
    correct = [True] * 5 + [False] * 5 + [True] * 9 + [False]
    bins = reliability_bins(np.repeat(scores, 15).tolist(), np.repeat(correct, 15).tolist())
    assert (len(bins), bins[0].labels) == (BINS, 20)
    assert sum(one.labels * one.accuracy for one in bins) == pytest.approx(14 * 15)
    (one,) = reliability_bins([0.9], [True])
    # Clopper and Pearson: one right of one, 0.025 ** 1.
    assert [one.lower, one.upper] == pytest.approx([0.025, 1.0])


@given(rows=rows)
def test_bins_hold_every_label_once_and_rise(rows: list[tuple[float, bool]]) -> None:
    scores, correct = [score for score, _ in rows], [right for _, right in rows]
    bins = reliability_bins(scores, correct)
    assert sum(one.labels for one in bins) == len(rows)
    assert sum(one.labels * one.accuracy for one in bins) == pytest.approx(sum(correct))
    assert all(one.highest <= later.lowest for one, later in itertools.pairwise(bins))
    assert all(one.lower <= one.accuracy <= one.upper for one in bins)


@given(rows=rows)
def test_the_curve_is_what_routing_at_its_thresholds_does(rows: list[tuple[float, bool]]) -> None:
    scores, correct = [score for score, _ in rows], [right for _, right in rows]
    points = risk_coverage(scores, correct)
    assert len(points) <= POINTS
    assert points[-1].accepted == len(rows)
    assert [one.threshold for one in points] == sorted({p.threshold for p in points}, reverse=True)
    for point in points:
        accepted = [right for score, right in rows if np.float32(score) >= point.threshold]
        assert (point.accepted, point.errors) == (len(accepted), accepted.count(False))
        assert point.lower <= point.risk <= point.upper


def test_without_labels_there_is_nothing_to_show() -> None:
    assert (reliability_bins([], []), risk_coverage([], [])) == ([], [])
