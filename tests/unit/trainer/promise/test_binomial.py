"""Exact tests and bounds, against published figures and their own definitions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value
from scipy import stats

from services.trainer.promise.binomial import (
    error_p_value,
    largest_passing_errors,
    power,
    upper_bound,
)
from shared.contracts.certificates import attempt_delta

rates = st.floats(0.001, 0.5)

_LAST_DIGITS = 1e-12


@pytest.mark.parametrize(
    ("errors", "smallest"),
    [(0, 299), (1, 473), (2, 628), (3, 773), (4, 913), (6, 1182), (10, 1693)],
)
def test_smallest_certifying_samples_are_the_published_ones(errors: int, smallest: int) -> None:
    assert largest_passing_errors([smallest - 1, smallest], 0.05, 0.01).tolist() == [
        errors - 1,
        errors,
    ]


@pytest.mark.parametrize(("alpha", "n"), [(0.005, 598), (0.01, 299), (0.02, 149), (0.05, 59)])
def test_smallest_faultless_samples_are_the_published_ones(alpha: float, n: int) -> None:
    assert largest_passing_errors([n - 1, n], 0.05, alpha).tolist() == [-1, 0]


def test_298_items_without_error_are_one_too_few() -> None:
    assert error_p_value(0, 299, 0.01) <= 0.05 < error_p_value(0, 298, 0.01)


@pytest.mark.parametrize(("errors", "n", "bound"), [(10, 2000, 0.0085), (0, 299, 0.00997)])
def test_upper_bounds_are_the_published_ones(errors: int, n: int, bound: float) -> None:
    assert upper_bound(errors, n, 0.05) == pytest.approx(bound, abs=5e-5)


def test_all_wrong_or_nothing_seen_bounds_nothing() -> None:
    assert upper_bound(0, 0, 0.05) == 1.0
    assert upper_bound(7, 7, 0.05) == 1.0


@pytest.mark.parametrize(
    ("n", "error", "expected"),
    [
        (1000, 0.002, 0.95),
        (1000, 0.003, 0.82),
        (1000, 0.005, 0.44),
        (2000, 0.005, 0.79),
        (5000, 0.005, 0.99),
    ],
)
def test_power_is_the_published_one(n: int, error: float, expected: float) -> None:
    assert power(n, error, 0.05, 0.01) == pytest.approx(expected, abs=0.006)


@given(n=st.integers(0, 3000), delta=rates, alpha=rates)
def test_largest_passing_errors_pass_and_one_more_fails(n: int, delta: float, alpha: float) -> None:
    most = int(largest_passing_errors(n, delta, alpha))
    assert most < n or n == 0
    # Two ways to the same sum differ in the last digit, which decides where it is delta itself.
    assert most == -1 or stats.binom.cdf(most, n, alpha) <= delta * (1 + _LAST_DIGITS)
    assert stats.binom.cdf(most + 1, n, alpha) > delta * (1 - _LAST_DIGITS)


@given(n=st.integers(1, 2000), data=st.data(), delta=rates, alpha=rates)
def test_passing_means_that_the_bound_keeps_the_promise(
    n: int, data: st.DataObject, delta: float, alpha: float
) -> None:
    errors = data.draw(st.integers(0, n - 1))
    bound = upper_bound(errors, n, delta)
    if abs(bound - alpha) > 1e-9:
        assert (bound < alpha) == bool(error_p_value(errors, n, alpha) <= delta)


@given(n=st.integers(1, 2000), delta=rates, alpha=rates)
def test_more_errors_never_look_better(n: int, delta: float, alpha: float) -> None:
    steps = np.unique(np.linspace(0, n, 20).astype(int))
    assert (np.diff(error_p_value(steps, n, alpha)) >= 0).all()
    bounds = [upper_bound(int(errors), n, delta) for errors in steps]
    assert (np.diff(bounds) >= 0).all()


@given(delta=rates, attempts=st.integers(1, 3000))
def test_all_attempts_together_spend_no_more_than_delta(delta: float, attempts: int) -> None:
    spent = [attempt_delta(delta, attempt) for attempt in range(1, attempts + 1)]
    assert sum(spent) <= delta
    assert spent[0] == pytest.approx(0.8 * delta)
    assert all(later < earlier for earlier, later in pairwise(spent))


def test_endless_attempts_spend_nearly_all_of_delta() -> None:
    assert sum(attempt_delta(0.05, k) for k in range(1, 20_000)) == pytest.approx(0.05, rel=1e-4)


@pytest.mark.parametrize("bad", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_rates_outside_the_open_unit_interval_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="lie in"):
        largest_passing_errors(10, 0.05, bad)
    with pytest.raises(ValueError, match="lie in"):
        upper_bound(0, 10, bad)
    with pytest.raises(ValueError, match="lie in"):
        attempt_delta(bad, 1)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.n"):
        upper_bound(5, 4, 0.05)
    with pytest.raises(ValueError, match="from 1"):
        attempt_delta(0.05, 0)


@given(st.integers(1, 5_000), st.data(), rates)
def test_p_values_are_those_of_mapie(accepted: int, data: st.DataObject, alpha: float) -> None:
    """MAPIE takes the smaller of an exact binomial and Hoeffding's; the exact one is the smaller.

    Above the target the two differ: MAPIE's is 1 there by Hoeffding, and neither passes.
    """
    errors = data.draw(st.integers(0, int(accepted * alpha)))
    ours = error_p_value(errors, accepted, alpha)
    # MAPIE rounds rate times count up: 331 * (6 / 331) is above 6.
    rate = np.nextafter(errors / accepted, 0)
    theirs = compute_hoeffding_bentkus_p_value(
        np.array([rate]), np.array([accepted]), alpha, binary=True
    )
    assert float(ours) == pytest.approx(float(theirs[0, 0]), rel=1e-9)
