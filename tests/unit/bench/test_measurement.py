"""Percentiles and merged rounds."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.serving.measurement import Measurement, merge, percentile

ROUND = Measurement(requests=100, items=1, seconds=2.0, errors=0, p50_ms=1.0, p99_ms=3.0)


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=50),
    st.sampled_from([0.01, 0.25, 0.5, 0.9, 0.99, 1.0]),
)
def test_percentile_is_the_inverse_of_the_distribution(values: list[float], share: float) -> None:
    expected = np.quantile(values, share, method="inverted_cdf")
    assert percentile(sorted(values), share) == expected


def test_percentile_of_nothing_is_not_a_number() -> None:
    assert math.isnan(percentile([], 0.5))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_percentile_refuses_a_share_outside_its_range(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        percentile([1.0], share)


def test_merged_rounds_add_up() -> None:
    slower = replace(ROUND, requests=60, errors=2, p50_ms=2.0, p99_ms=5.0, load_cpu=0.4)
    merged = merge([ROUND, slower])
    assert (merged.requests, merged.errors, merged.seconds) == (160, 2, 4.0)
    assert merged.requests_per_second == 40.0
    assert (merged.p50_ms, merged.p99_ms, merged.load_cpu) == (1.5, 4.0, 0.4)
    assert merged.spread == pytest.approx(0.25)


def test_a_round_without_an_answer_does_not_decide_the_percentiles() -> None:
    nothing = replace(ROUND, requests=0, p50_ms=math.nan, p99_ms=math.nan)
    assert merge([nothing, ROUND]).p99_ms == 3.0
    assert math.isnan(merge([nothing]).p99_ms)


def test_rounds_of_different_cells_are_not_merged() -> None:
    with pytest.raises(ValueError, match="same number of items"):
        merge([ROUND, replace(ROUND, items=64)])


def test_a_measurement_survives_json() -> None:
    assert Measurement.from_dict(ROUND.as_dict()) == ROUND
    assert math.isnan(Measurement.from_dict({**ROUND.as_dict(), "p50_ms": None}).p50_ms)
