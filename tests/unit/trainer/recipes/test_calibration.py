"""Calibration: the choice of its method, its fit, and its figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from services.trainer.recipes.calibration import (
    ENOUGH_LABELS,
    Calibration,
    Method,
    brier_score,
    choose_calibration,
    expected_calibration_error,
    fit_calibration,
    fit_temperature,
    log_loss,
)
from services.trainer.recipes.recipe import FloatArray, IntArray

SCALE, BIAS = np.array([0.5, 1.0, 2.0]), np.array([1.0, -0.2, -0.8])


def drawn(n: int, seed: int = 0) -> tuple[FloatArray, IntArray]:
    """Calibrated logits of three labels, and labels drawn by them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 3))
    chances = softmax(logits, axis=1).cumsum(axis=1)
    return logits, (rng.random((n, 1)) > chances).sum(axis=1).clip(0, 2)


@pytest.mark.parametrize(
    ("method", "scale", "bias"),
    [
        ("temperature", np.full(3, 0.5), np.zeros(3)),
        ("bias_corrected_temperature", np.full(3, 0.5), BIAS),
        ("vector", SCALE, BIAS),
    ],
)
def test_the_method_that_undoes_the_distortion_is_chosen(
    method: Method, scale: FloatArray, bias: FloatArray
) -> None:
    logits, targets = drawn(4_000)
    distorted = (logits - bias) / scale
    folds, weights = np.arange(4_000) % 5, np.ones(4_000)
    chosen, losses = choose_calibration(distorted, targets, weights, folds)
    assert chosen.method == method
    assert set(losses) == {"temperature", "bias_corrected_temperature", "vector"}
    assert chosen.scale == pytest.approx(scale, rel=0.12)
    assert chosen.bias == pytest.approx(bias, abs=0.15)
    calibrated = log_loss(chosen.apply(distorted), targets, weights)
    assert calibrated < log_loss(logits, targets, weights) + 0.001


def test_a_class_with_few_labels_leaves_temperature_scaling() -> None:
    logits, targets = drawn(400)
    rare = np.flatnonzero(targets == 2)[ENOUGH_LABELS - 1 :]
    kept = np.setdiff1d(np.arange(400), rare)
    logits, targets = ((logits - BIAS) / SCALE)[kept], targets[kept]
    folds, weights = np.arange(len(kept)) % 5, np.ones(len(kept))
    chosen, losses = choose_calibration(logits, targets, weights, folds)
    assert (chosen.method, list(losses)) == ("temperature", ["temperature"])


def test_a_label_without_an_example_gets_no_number_of_its_own() -> None:
    logits, targets = drawn(2_000)
    wide = np.column_stack([(logits - BIAS) / SCALE, np.full(2_000, -1e4)])
    fitted = fit_calibration("vector", wide, targets, np.ones(2_000))
    assert fitted.bias[3] == 0
    assert softmax(fitted.apply(wide), axis=1)[:, 3].max() < 1e-12
    assert fitted.scale[:3] == pytest.approx(SCALE, rel=0.2)


def test_a_manifest_names_the_method_and_its_numbers() -> None:
    one = Calibration.of_temperature(2.0, 2)
    assert one.described() == {"method": "temperature", "temperature": 2.0}
    biased = Calibration("bias_corrected_temperature", one.scale, np.array([0.5, -0.5]))
    assert biased.described() == {
        "method": "bias_corrected_temperature",
        "temperature": 2.0,
        "bias": [0.5, -0.5],
    }
    vector = Calibration("vector", np.array([1.0, 2.0]), np.array([0.5, -0.5]))
    assert vector.described() == {"method": "vector", "scale": [1.0, 2.0], "bias": [0.5, -0.5]}


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
