"""Correction for reviewers who overlook wrong answers."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.science.label_noise import FALSE, simulate
from services.trainer.promise.binomial import upper_bound
from services.trainer.promise.label_noise import Level, level_of_test, miss_rate_bound

DELTA = 0.05


def test_misses_by_a_fifth_make_certificates_false_unless_corrected() -> None:
    runs = 20_000
    false = simulate(FALSE, 3_000, 300, runs, np.random.default_rng(0))
    assert false.uncorrected.mean() > 0.2
    assert false.corrected.mean() <= DELTA
    good = simulate(0.003, 3_000, 300, runs, np.random.default_rng(1))
    assert good.corrected.mean() >= 0.95


def test_the_bound_spends_a_fifth_of_delta() -> None:
    assert miss_rate_bound(60, 300, DELTA) == upper_bound(60, 300, 0.2 * DELTA)
    shown = 1 - 1.25 * 0.2591
    assert level_of_test(0.01, 60, 300, DELTA).alpha == pytest.approx(0.01 * shown, abs=1e-5)


def test_fewer_than_30_probes_correct_nothing() -> None:
    assert miss_rate_bound(29, 29, DELTA) is None
    assert level_of_test(0.01, 29, 29, DELTA) == Level(0.01, DELTA)
    assert level_of_test(0.01, 30, 30, DELTA).alpha == 0


@given(probes=st.integers(30, 500), delta=st.floats(0.001, 0.5))
def test_more_misses_demand_more_and_more_probes_less(probes: int, delta: float) -> None:
    steps = [level_of_test(0.1, missed, probes, delta).alpha for missed in range(0, probes + 1, 10)]
    assert all(fewer > more for fewer, more in pairwise(steps))
    assert level_of_test(0.1, 0, probes + 1, delta).alpha > steps[0]


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.n"):
        level_of_test(0.1, 31, 30, DELTA)
