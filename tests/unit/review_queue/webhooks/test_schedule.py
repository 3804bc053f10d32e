"""Back-off and Retry-After."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.webhooks.schedule import (
    MAX_ATTEMPTS,
    ceiling_seconds,
    retry_after,
    wait_after,
)

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
DAY = timedelta(days=1)
draws = st.floats(0, 1, exclude_max=True)


@given(attempts=st.integers(1, 10_000), draw=draws)
def test_wait_is_at_least_nothing_and_below_its_ceiling(attempts: int, draw: float) -> None:
    wait = wait_after(attempts, draw)
    assert timedelta(0) <= wait <= timedelta(seconds=ceiling_seconds(attempts)) <= DAY / 2


@given(attempts=st.integers(1, 10_000))
def test_ceiling_doubles_until_it_is_half_a_day(attempts: int) -> None:
    assert ceiling_seconds(1) == 10
    assert ceiling_seconds(attempts + 1) == min(43_200, 2 * ceiling_seconds(attempts))


@given(st.lists(draws, min_size=MAX_ATTEMPTS - 1, max_size=MAX_ATTEMPTS - 1))
def test_all_attempts_together_take_about_three_days(drawn: list[float]) -> None:
    longest = sum(ceiling_seconds(attempts) for attempts in range(1, MAX_ATTEMPTS))
    assert 2.8 < longest / 2 / 86_400 < 3.2
    taken = sum((wait_after(n, draw) for n, draw in enumerate(drawn, 1)), timedelta(0))
    assert timedelta(0) <= taken <= 6 * DAY


@given(st.integers(0, 10**30))
def test_retry_after_in_seconds_is_kept_up_to_a_day(seconds: int) -> None:
    expected = DAY if seconds > 86_400 else timedelta(seconds=seconds)
    assert retry_after(f" {seconds} ", NOW) == expected


@given(st.integers(-100_000, 100_000))
def test_retry_after_as_a_date_is_the_time_until_then(seconds: int) -> None:
    header = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert retry_after(header, NOW) == min(max(timedelta(seconds=seconds), timedelta(0)), DAY)


@given(st.text(max_size=40))
def test_retry_after_that_says_nothing_counts_for_nothing(text: str) -> None:
    assert (retry_after(text, NOW) or timedelta(0)) >= timedelta(0)


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "Tue, 99 Nov 2026 06:00:00 GMT", "²"])
def test_malformed_retry_after_is_passed_over(text: str) -> None:
    assert retry_after(text, NOW) is None
    assert retry_after(None, NOW) is None
