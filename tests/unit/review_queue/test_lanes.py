from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.tasks.lanes import Share, Shares, lane_after, turn_of
from shared.contracts.tasks import EVIDENCE_LANES, Lane

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LANES: tuple[Lane, ...] = get_args(Lane)
BEYOND_EVERY_DUE_DATE = datetime.max.replace(tzinfo=UTC)


def test_mandatory_tasks_come_by_their_due_date() -> None:
    early = turn_of("mandatory", NOON, NOON)
    late = turn_of("mandatory", NOON + timedelta(microseconds=1), NOON - timedelta(days=9))
    assert early < late


def test_mandatory_tasks_without_a_due_date_come_last() -> None:
    assert turn_of("mandatory", BEYOND_EVERY_DUE_DATE, NOON) < turn_of("mandatory", None, NOON)


@given(st.floats(0, 1), st.floats(0, 1))
def test_optional_tasks_come_by_what_they_save(one: float, other: float) -> None:
    first, second = (turn_of("optional", None, NOON, saving) for saving in (one, other))
    assert (first <= second) == (int((1 - one) * 8.64e10) <= int((1 - other) * 8.64e10))
    assert turn_of("relabel", None, NOON) <= first <= turn_of("pool", None, NOON)


@given(st.sampled_from(["pool", "relabel", "optional"]), st.sampled_from(["pool", "relabel"]))
def test_no_elective_task_stands_behind_more_than_a_days_later_arrivals(
    lane: Lane, later: Lane
) -> None:
    a_day_later = NOON + timedelta(days=1, microseconds=1)
    assert turn_of(lane, None, NOON) < turn_of(later, None, a_day_later)


@pytest.mark.parametrize("lane", sorted(EVIDENCE_LANES))
def test_evidence_comes_by_creation(lane: Lane) -> None:
    assert turn_of(lane, NOON, NOON) < turn_of(lane, None, NOON + timedelta(microseconds=1))


def test_turn_fits_a_big_integer() -> None:
    assert turn_of("pool", None, BEYOND_EVERY_DUE_DATE) < 2**63


@given(st.lists(st.sampled_from(LANES), min_size=1), st.randoms())
def test_lane_does_not_depend_on_the_order_of_later_calls(
    asked: list[Lane], random: object
) -> None:
    def settle(first: Lane, calls: list[Lane]) -> Lane:
        for lane in calls:
            first = lane_after(first, lane)
        return first

    assert settle("pool", asked) == settle("pool", asked[::-1])


@pytest.mark.parametrize(
    ("current", "asked", "expected"),
    [
        ("mandatory", "audit", "audit"),
        ("pool", "certification", "certification"),
        ("audit", "certification", "certification"),
        ("certification", "audit", "certification"),
        ("certification", "mandatory", "certification"),
        ("pool", "mandatory", "pool"),
    ],
)
def test_task_moves_to_a_blind_lane_and_never_out_of_one(
    current: Lane, asked: Lane, expected: Lane
) -> None:
    assert lane_after(current, asked) == expected


@given(st.lists(st.integers(1, 100), min_size=1, max_size=50), st.integers(2, 12))
def test_a_group_gets_its_share_of_the_leases_while_it_waits(counts: list[int], every: int) -> None:
    share, own, total = Share(every), 0, 0
    for count in counts:
        planned = share.plan(count)
        share.settle(planned, count, own=planned, others=count - planned)
        own += planned
        total += count
        assert own == -(-total // every)


@given(st.integers(1, 100), st.integers(1, 100))
def test_plans_made_at_once_share_one_account(first: int, second: int) -> None:
    share = Share(5)
    assert share.plan(first) + share.plan(second) == -(-(first + second) // 5)


def test_evidence_that_comes_after_a_drought_is_next() -> None:
    share = Share(5)
    planned = share.plan(20)
    share.settle(planned, 20, own=0, others=20)
    assert share.plan(1) == 1


def test_leases_that_found_nothing_cost_evidence_nothing() -> None:
    share = Share(5)
    share.settle(share.plan(1), 1, own=1, others=0)
    for _ in range(9):
        planned = share.plan(1)
        share.settle(planned, 1, own=0, others=0)
    assert [share.plan(1) for _ in range(5)] == [0, 0, 0, 0, 1]


def test_evidence_beyond_its_share_does_not_bank_a_debt() -> None:
    share = Share(5)
    planned = share.plan(100)
    share.settle(planned, 100, own=100, others=0)
    assert share.plan(9) == 1


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=60),
    st.sets(st.sampled_from(["evidence", "elective", "mandatory"]), min_size=1),
)
def test_no_group_that_waits_starves_and_no_lease_is_wasted(
    counts: list[int], waiting: set[str]
) -> None:
    shares, total = Shares(), 0
    given_to = dict.fromkeys(("evidence", "elective", "mandatory"), 0)
    for count in counts:
        plan = shares.plan(count)
        got = {group: getattr(plan, group) * (group in waiting) for group in given_to}
        spare = next(g for g in ("mandatory", "evidence", "elective") if g in waiting)
        got[spare] += count - sum(got.values())
        shares.settle(plan, **got)
        total += count
        for group, number in got.items():
            given_to[group] += number
    assert sum(given_to.values()) == total
    for group, every in (("evidence", 5), ("elective", 10)):
        if group in waiting:
            assert given_to[group] >= total // every - 1
    if "mandatory" in waiting:
        assert given_to["mandatory"] >= total * 7 // 10 - 2
