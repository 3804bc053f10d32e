"""What a graph answers: which rows are probabilities, and what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.graphs.rows import are_distributions, tops_of


@pytest.mark.parametrize(
    ("row", "is_good"),
    [
        ([0.25, 0.75], True),
        ([0.0, 1.0], True),
        ([0.5, 0.5005], True),
        ([0.5, 0.6], False),
        ([-0.1, 1.1], False),
        ([2.0, -1.0], False),
        ([np.nan, 1.0], False),
        ([np.inf, -np.inf], False),
    ],
)
def test_a_distribution_is_finite_not_negative_and_sums_to_one(
    row: list[float], is_good: bool
) -> None:
    assert are_distributions(np.array([row, row], dtype=np.float32)).tolist() == [is_good] * 2


@given(st.lists(st.floats(2**-10, 1, width=32), min_size=2, max_size=6), st.integers(0, 3))
def test_the_top_is_the_largest_and_nothing_where_there_is_no_row(
    values: list[float], broken: int
) -> None:
    row = np.array(values, dtype=np.float32)
    rows = np.stack([row / row.sum()] * 4)
    rows[broken] = np.nan
    tops, scores = tops_of(rows)
    assert scores.dtype == np.float32
    assert [top == -1 for top in tops.tolist()] == [i == broken for i in range(4)]
    assert scores[broken] == 0
    good = (broken + 1) % 4
    assert scores[good] == rows[good].max() == rows[good, tops[good]]


def test_no_rows_have_no_tops() -> None:
    tops, scores = tops_of(np.empty((0, 3), dtype=np.float32))
    assert (tops.tolist(), scores.tolist()) == ([], [])
