"""Predicted risk curves and the candidate region."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.promise.risk import predict_risk
from tests.unit.trainer.promise.populations import CALIBRATED

unit = st.floats(0, 1, width=32)
tune = st.lists(st.tuples(unit, st.booleans()), min_size=1, max_size=60)


def test_curve_follows_the_population() -> None:
    rng = np.random.default_rng(3)
    scores, correct = CALIBRATED.draw(30_000, rng)
    curve = predict_risk(scores, correct, CALIBRATED.scores(20_000, rng))
    for coverage in (0.3, 0.5, 0.8, 1.0):
        at = int(np.searchsorted(curve.coverage, coverage))
        expected = CALIBRATED.selective_risk(coverage)
        assert curve.selective_risk[min(at, len(curve.coverage) - 1)] == pytest.approx(
            expected, abs=0.004
        )


def test_region_ends_where_the_promise_does() -> None:
    rng = np.random.default_rng(4)
    scores, correct = CALIBRATED.draw(50_000, rng)
    region = predict_risk(scores, correct, CALIBRATED.scores(20_000, rng)).region(0.01)
    assert region is not None
    assert 1 - region == pytest.approx(0.357, abs=0.03)


def test_no_region_where_even_the_surest_err_too_often() -> None:
    scores = np.linspace(0.5, 1, 100, dtype=np.float32)
    assert predict_risk(scores, np.arange(100) % 2 == 0, scores).region(0.1) is None


def test_everything_is_the_region_of_a_faultless_model() -> None:
    scores = np.linspace(0.5, 1, 100, dtype=np.float32)
    assert predict_risk(scores, np.ones(100, dtype=bool), scores).region(0.01) == 0.5


@given(tune=tune, unlabelled=st.lists(unit, min_size=1, max_size=60))
def test_risk_never_falls_with_coverage(
    tune: list[tuple[float, bool]], unlabelled: list[float]
) -> None:
    scores, correct = zip(*tune, strict=True)
    curve = predict_risk(scores, correct, unlabelled)
    assert (np.diff(curve.thresholds) < 0).all()
    assert (np.diff(curve.selective_risk) >= -1e-12).all()
    assert (np.diff(curve.coverage) > 0).all()
    assert curve.coverage[-1] == 1.0
    assert curve.selective_risk.min() >= 0
    assert curve.selective_risk.max() <= 1


@given(tune=tune, unlabelled=st.lists(unit, min_size=1, max_size=60), alpha=st.floats(0.01, 0.9))
def test_region_survives_json_as_one_of_the_unlabelled_scores(
    tune: list[tuple[float, bool]], unlabelled: list[float], alpha: float
) -> None:
    scores, correct = zip(*tune, strict=True)
    region = predict_risk(scores, correct, unlabelled).region(alpha)
    if region is not None:
        stored = np.float32(json.loads(json.dumps(region)))
        assert stored in np.asarray(unlabelled, dtype=np.float32)


@pytest.mark.parametrize("bad", [[float("nan")], [1.5], [-0.1], [[0.5]]])
def test_impossible_scores_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="scores must"):
        predict_risk(bad, [True], [0.5])
    with pytest.raises(ValueError, match="scores must"):
        predict_risk([0.5], [True], bad)


def test_empty_or_unequal_arrays_are_refused() -> None:
    for scores, correct, unlabelled in (([], [], [0.5]), ([0.5], [True], []), ([0.5], [], [0.5])):
        with pytest.raises(ValueError, match="tune arrays"):
            predict_risk(scores, correct, unlabelled)
