"""Optional reviews in a small form; `python -m bench science capacity` prints the full one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.science.capacity import MANDATORY, simulate
from services.review_queue.timings.erlang import optional_delay
from shared.contracts.capacity import CapacitySettings, is_worth_review, review_saving

prices = st.floats(0, 1e6)
confidences = st.floats(0, 1)


def test_free_reviewers_find_two_fifths_of_the_errors_and_make_nothing_late() -> None:
    capacity = round(1.6 * MANDATORY)
    without, given_time = (
        simulate(capacity, days=1, seed=7, optional=optional) for optional in (False, True)
    )
    assert given_time.errors_per_thousand <= 0.6 * without.errors_per_thousand
    assert given_time.late_share <= without.late_share + 0.01
    assert given_time.reviewed > 0


@given(confidences, confidences, prices, prices)
def test_the_surer_the_model_the_less_a_review_saves(
    one: float, other: float, price_review: float, price_error: float
) -> None:
    low, high = sorted((one, other))
    assert review_saving(low, price_review, price_error) >= review_saving(
        high, price_review, price_error
    )
    capacity = CapacitySettings(price_review=price_review, price_error=price_error)
    assert is_worth_review(low, capacity) >= is_worth_review(high, capacity)


@given(confidences, prices)
def test_a_review_of_unknown_worth_is_worth_none(confidence: float, price: float) -> None:
    assert not is_worth_review(confidence, CapacitySettings(price_review=price))
    assert not is_worth_review(confidence, CapacitySettings(price_error=price))


@pytest.mark.parametrize(("load", "delay"), [(0.0, 60.0), (0.5, 120.0), (1.0, None), (3.0, None)])
def test_optional_tasks_wait_for_those_before_them(load: float, delay: float | None) -> None:
    assert optional_delay(60, load) == delay
