"""Which calls are repeated, and when."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surehand import RetryPolicy
from surehand.retries import is_idempotent, may_repeat_status, retry_after_of

DRAWS = st.floats(0, 1, exclude_max=True)


@given(attempt=st.integers(1, 60), draw=DRAWS)
def test_waits_double_and_half_of_each_is_drawn(attempt: int, draw: float) -> None:
    policy = RetryPolicy(retries=50, first_seconds=0.25, longest_seconds=8)
    wait = policy.wait_seconds(attempt, None, draw)
    if attempt > 50:
        assert wait is None
        return
    whole = min(0.25 * 2 ** (attempt - 1), 8)
    assert wait is not None
    assert whole / 2 <= wait <= whole


@given(asked=st.floats(0, 60), draw=DRAWS)
def test_a_service_is_never_called_again_before_it_asks_to_be(asked: float, draw: float) -> None:
    wait = RetryPolicy().wait_seconds(1, asked, draw)
    assert wait is not None
    assert asked <= wait <= asked + 0.25


def test_no_call_waits_longer_than_the_policy_says() -> None:
    assert RetryPolicy(longest_retry_after=60).wait_seconds(1, 61, 0.5) is None
    assert RetryPolicy(retries=0).wait_seconds(1, None, 0.5) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Sat, 28 Nov 2026 14:00:30 GMT", 30.0),
        ("Sat, 28 Nov 2026 13:00:00 GMT", 0.0),
        ("-3", None),
        ("soon", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    now = datetime(2026, 11, 28, 14, tzinfo=UTC)
    assert retry_after_of({"Retry-After": value}, now) == seconds


def test_only_what_acts_once_is_repeated_after_it_may_have_acted() -> None:
    assert is_idempotent("put", None)
    assert not is_idempotent("POST", None)
    assert is_idempotent("POST", True)


def test_a_change_under_a_condition_acts_once_only_if_it_is_declared() -> None:
    headers = {"If-Match": '"3"'}
    assert not is_idempotent("DELETE", None, headers)
    assert not is_idempotent("PUT", None, {"if-none-match": "*"})
    assert is_idempotent("PUT", True, headers)
    assert is_idempotent("GET", None, {"If-None-Match": '"3"'})
    assert may_repeat_status(429, idempotent=False)
    assert not may_repeat_status(503, idempotent=False)
    assert may_repeat_status(503, idempotent=True)
    assert not any(may_repeat_status(status, idempotent=True) for status in (400, 409, 500))
