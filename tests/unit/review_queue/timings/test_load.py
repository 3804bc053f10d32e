"""The load against the reviewers' hours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.timings.load import (
    Workforce,
    arrivals_of,
    load_of,
    sentence_of,
)

COUNTS = st.lists(st.integers(0, 100_000), min_size=1, max_size=28)


@given(COUNTS, st.floats(0.01, 1.0))
def test_the_interval_holds_the_mean_and_scales_with_the_stretch(
    counts: list[int], days_each: float
) -> None:
    whole, part = arrivals_of(counts), arrivals_of(counts, days_each=days_each)
    assert 0 <= whole.lower <= whole.per_day + 1e-6
    assert whole.per_day <= whole.upper + 1e-6
    assert part.per_day == pytest.approx(whole.per_day / days_each)


def test_uneven_days_have_a_wider_interval_than_even_ones() -> None:
    even, uneven = arrivals_of([100] * 4), arrivals_of([10, 190, 40, 160])
    assert even.per_day == uneven.per_day == 100
    assert uneven.upper > even.upper


def test_utilisation_is_the_share_of_the_hours_that_the_tasks_take() -> None:
    load = load_of(arrivals_of([480] * 7), 2.0, Workforce(8.0, 60.0))
    assert load is not None
    assert load.hours_per_day == pytest.approx(16.0)
    assert load.utilisation == pytest.approx(2.0)
    assert load.missing_hours_per_day == pytest.approx(8.0)
    assert (load.state, load.expected_wait_seconds) == ("overloaded", None)


def test_the_state_depends_on_the_interval() -> None:
    people = Workforce(10.0, 100.0)
    calm, tight = (load_of(arrivals_of([n] * 7), 1.0, people) for n in (500, 985))
    assert calm is not None
    assert tight is not None
    assert (calm.state, tight.state) == ("keeps_up", "tight")
    assert calm.missing_hours_per_day == 0
    # M/M/1: of 1,000 answers a day half are needed, so the mean wait is one answer's time.
    assert calm.expected_wait_seconds == pytest.approx(86.4)
    assert sentence_of(calm, people).startswith("Reviewers keep up")


@pytest.mark.parametrize("people", [Workforce(None, 60.0), Workforce(8.0, None), Workforce(0.0, 9)])
def test_without_hours_or_answers_nothing_is_said(people: Workforce) -> None:
    assert load_of(arrivals_of([5]), 1.0, people) is None
    assert sentence_of(None, people).startswith("Not known")


def test_no_stretch_of_time_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        arrivals_of([])
