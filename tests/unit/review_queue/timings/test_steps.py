"""An item's way in steps: none is negative, and the largest is the bottleneck."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.timings.steps import (
    STEPS,
    Publication,
    Way,
    bottleneck,
    seconds_of,
    summarise,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def way(**changes: object) -> Way:
    moments = {
        "received_at": at(0),
        "decided_at": at(1),
        "created_at": at(3),
        "leased_at": at(13),
        "first_verdict_at": at(33),
        "resolved_at": at(63),
        "position": 5,
        "active": 12.0,
        "held": 20.0,
    }
    return Way(**(moments | changes))  # type: ignore[arg-type]


def test_each_step_has_its_seconds() -> None:
    published = [Publication(4, at(70), at(71)), Publication(9, at(100), at(105))]
    assert seconds_of(way(), published) == {
        "deciding": 1.0,
        "handing_over": 2.0,
        "waiting": 10.0,
        "active": 12.0,
        "idle": 8.0,
        "agreeing": 30.0,
        "collecting": 37.0,
        "publishing": 5.0,
    }


def test_what_is_not_known_is_left_out() -> None:
    bare = way(received_at=None, decided_at=None, active=None, held=None, position=None)
    assert set(seconds_of(bare, [])) == {"waiting", "agreeing"}


@given(st.lists(st.floats(-100, 100), min_size=6, max_size=6))
def test_clocks_that_differ_make_no_negative_times(moments: list[float]) -> None:
    names = ["received_at", "decided_at", "created_at", "leased_at", "first_verdict_at"]
    changed = {name: at(moment) for name, moment in zip(names, moments, strict=False)}
    assert all(seconds >= 0 for seconds in seconds_of(way(**changed), []).values())


@given(st.lists(st.dictionaries(st.sampled_from(STEPS), st.floats(0, 1e6)), max_size=30))
def test_shares_are_of_all_time_and_percentiles_in_order(ways: list[dict[str, float]]) -> None:
    timings = summarise(ways)  # type: ignore[arg-type]
    assert {one.step for one in timings} == {step for one in ways for step in one}
    for one in timings:
        assert one.p50_seconds <= one.p90_seconds <= one.p99_seconds
    if sum(sum(one.values()) for one in ways) > 0:
        assert sum(one.share for one in timings) == pytest.approx(1.0)
        largest = max(one.share for one in timings)
        assert bottleneck(timings) in {one.step for one in timings if one.share == largest}


def test_nothing_has_no_bottleneck() -> None:
    assert bottleneck(summarise([])) is None
