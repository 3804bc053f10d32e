import statistics

from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.quality.reviewers.service import median_of


@given(st.dictionaries(st.floats(0, 1000), st.integers(1, 5), min_size=1, max_size=9))
def test_median_of_counted_values_is_that_of_all_of_them(counted: dict[float, int]) -> None:
    rising = [(counted[value], value) for value in sorted(counted)]
    every = [value for number, value in rising for _ in range(number)]
    assert median_of(rising) == statistics.median(every)


def test_nothing_has_no_median() -> None:
    assert median_of([]) is None
