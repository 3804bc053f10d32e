"""Temperature scaling and calibration figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from services.trainer.recipes.calibration import (
    brier_score,
    expected_calibration_error,
    fit_temperature,
    log_loss,
)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0, 5.0])
def test_an_overstated_scale_is_found(factor: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 3))
    chances = softmax(logits, axis=1).cumsum(axis=1)
    targets = (rng.random((20_000, 1)) > chances).sum(axis=1).clip(0, 2)
    fitted = fit_temperature(logits * factor, targets, np.ones(20_000))
    assert fitted == pytest.approx(factor, rel=0.05)


@given(
    rows=st.lists(
        st.tuples(st.floats(-30, 30), st.floats(-30, 30), st.integers(0, 1), st.floats(0.1, 9)),
        min_size=1,
        max_size=40,
    )
)
def test_temperature_never_worsens_the_log_loss(
    rows: list[tuple[float, float, int, float]],
) -> None:
    logits = np.array([[a, b] for a, b, _, _ in rows])
    targets = np.array([target for *_, target, _ in rows])
    weights = np.array([weight for *_, weight in rows])
    temperature = fit_temperature(logits, targets, weights)
    assert 0.04 < temperature < 21
    assert log_loss(logits / temperature, targets, weights) <= log_loss(logits, targets, weights)


def test_log_loss_of_an_impossible_label_is_finite() -> None:
    logits = np.array([[0.0, -1e4]])
    assert log_loss(logits, np.array([1]), np.ones(1)) == pytest.approx(-np.log(1e-12))


def test_brier_score_of_known_forecasts() -> None:
    probabilities = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    targets = np.array([0, 0, 0])
    assert brier_score(probabilities, targets, np.ones(3)) == pytest.approx((0 + 0.5 + 2) / 3)
    assert brier_score(probabilities, targets, np.array([1, 1e-9, 1e-9])) < 1e-6


def test_calibration_error_of_known_bins() -> None:
    confidence = np.array([0.6, 0.6, 0.9, 0.9])
    correct = np.array([True, False, True, True])
    error = expected_calibration_error(confidence, correct, np.ones(4), n_bins=2)
    assert error == pytest.approx(0.1)


def test_calibration_error_takes_fewer_rows_than_bins() -> None:
    error = expected_calibration_error(np.array([0.8]), np.array([True]), np.ones(1))
    assert error == pytest.approx(0.2)
