"""Rate limits: never more than promised, and a refusal costs nothing."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.limits.rates import Allowance, RateLimit, holder_of
from shared.problems import TooManyRequests
from tests.harness.clock import SecondsClock

APP = ("app", "token-1")
RATES = st.floats(0.5, 5000)
# Seconds since the call before, and items.
CALLS = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 1000)), min_size=1, max_size=40)


def admitted(limit: RateLimit, clock: SecondsClock, calls: list[tuple[float, int]]) -> list[bool]:
    outcomes = []
    for pause, items in calls:
        clock.moment += pause
        try:
            limit.take(APP, items)
        except TooManyRequests:
            outcomes.append(False)
        else:
            outcomes.append(True)
    return outcomes


@given(rate=RATES, calls=CALLS)
def test_no_window_holds_more_than_rate_and_burst(
    rate: float, calls: list[tuple[float, int]]
) -> None:
    clock = SecondsClock(1e6)
    limit = RateLimit(rate, now=clock)
    times = list(accumulate(pause for pause, _ in calls))
    taken = [
        (at, items)
        for at, (_, items), passed in zip(times, calls, admitted(limit, clock, calls), strict=True)
        if passed
    ]
    for first in range(len(taken)):
        total = 0
        for at, items in taken[first:]:
            total += items
            assert total <= rate * (at - taken[first][0]) + limit.burst + 0.01


@given(rate=RATES, calls=CALLS)
def test_a_refused_call_costs_nothing(rate: float, calls: list[tuple[float, int]]) -> None:
    clock = SecondsClock(1e6)
    outcomes = admitted(RateLimit(rate, now=clock), clock, calls)
    kept: list[tuple[float, int]] = []
    pause = 0.0
    for (before, items), passed in zip(calls, outcomes, strict=True):
        pause += before
        if passed:
            kept.append((pause, items))
            pause = 0.0
    again = SecondsClock(1e6)
    assert all(admitted(RateLimit(rate, now=again), again, kept))


@given(rate=RATES, calls=CALLS, items=st.integers(1, 1000))
def test_whoever_waits_as_told_gets_in(
    rate: float, calls: list[tuple[float, int]], items: int
) -> None:
    clock = SecondsClock(1e6)
    limit = RateLimit(rate, now=clock)
    admitted(limit, clock, calls)
    try:
        limit.take(APP, items)
    except TooManyRequests as refusal:
        clock.moment += int(refusal.headers["Retry-After"])
        limit.take(APP, items)


def test_what_is_given_back_was_never_taken() -> None:
    clock = SecondsClock(1e6)
    limit = RateLimit(100, now=clock)
    limit.take(APP, 900)
    clock.moment += 1
    before = limit.headers_for(APP)
    limit.take(APP, 150)
    limit.give_back(APP, 150)
    assert limit.headers_for(APP) == before


@pytest.mark.parametrize("seconds", [0, 1, 100])
def test_no_more_than_the_burst_is_there_whenever_something_is_given_back(seconds: float) -> None:
    clock = SecondsClock(1e6)
    limit = RateLimit(100, now=clock)
    limit.give_back(APP, 150)
    limit.take(APP, 150)
    clock.moment += seconds
    limit.give_back(APP, 150)
    assert limit.take(APP, 1000).items == 0


@given(rate=RATES)
def test_the_burst_can_be_taken_item_by_item(rate: float) -> None:
    limit = RateLimit(rate, now=SecondsClock(1e6))
    left = [limit.take(APP, 1) for _ in range(limit.burst)]
    assert [one.items for one in left[-2:]] == [1, 0]
    with pytest.raises(TooManyRequests):
        limit.take(APP, 1)


def test_headers_say_what_is_left_and_when_all_of_it_is_back() -> None:
    clock = SecondsClock(1e6)
    limit = RateLimit(100, now=clock)
    assert limit.take(APP, 900) == Allowance(items=100, whole_after=9.0)
    clock.moment += 1
    assert limit.headers_for(APP) == {
        "RateLimit-Policy": '"items";q=1000;w=10',
        "RateLimit": '"items";r=200;t=8',
    }
    with pytest.raises(TooManyRequests) as caught:
        limit.take(APP, 500)
    assert caught.value.headers == {"Retry-After": "3", **limit.headers_for(APP)}


def test_holders_do_not_share_and_those_without_a_token_do() -> None:
    limit = RateLimit(1, now=SecondsClock(1e6))
    limit.take(APP, 1000)
    limit.take(("app", "token-2"), 1000)
    limit.take(holder_of("shop", None), 1000)
    with pytest.raises(TooManyRequests):
        limit.take(holder_of("shop", None), 1)


def test_holders_whose_allowance_is_whole_are_forgotten() -> None:
    clock = SecondsClock(1e6)
    limit = RateLimit(100, now=clock)
    for n in range(5000):
        clock.moment += 0.1
        limit.take(("app", str(n)), 10)
    assert limit.holders <= 1001
