from datetime import UTC, datetime, timedelta
from random import Random
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.lifecycle.lanes import lane_after, mixed, share_out, turn_of
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


@given(st.sampled_from(LANES), st.lists(st.sampled_from(LANES), min_size=1))
def test_lane_does_not_depend_on_the_order_of_later_calls(first: Lane, asked: list[Lane]) -> None:
    def settle(current: Lane, calls: list[Lane]) -> Lane:
        for lane in calls:
            current = lane_after(current, lane)
        return current

    assert settle(first, asked) == settle(first, asked[::-1])


@pytest.mark.parametrize(
    ("current", "asked", "expected"),
    [
        ("mandatory", "audit", "audit"),
        ("pool", "certification", "certification"),
        ("audit", "certification", "certification"),
        ("certification", "audit", "certification"),
        ("certification", "mandatory", "certification"),
        ("pool", "mandatory", "pool"),
        ("mandatory", "shadow", "mandatory"),
        ("shadow", "mandatory", "mandatory"),
        ("shadow", "audit", "audit"),
        ("shadow", "gold", "gold"),
        ("shadow", "certification", "certification"),
        ("shadow", "optional", "shadow"),
        ("shadow", "pool", "shadow"),
        ("shadow", "relabel", "shadow"),
        ("optional", "mandatory", "mandatory"),
    ],
)
def test_task_moves_to_a_blind_lane_and_never_out_of_one(
    current: Lane, asked: Lane, expected: Lane
) -> None:
    assert lane_after(current, asked) == expected


@given(st.integers(0, 100), st.randoms(use_true_random=False))
def test_no_lease_is_wasted(count: int, chance: Random) -> None:
    plan = share_out(count, chance)
    assert plan.count == count
    assert min(plan.evidence, plan.elective) >= 0
    assert plan.evidence + plan.elective <= count


def test_a_fifth_of_the_leases_is_evidence_and_a_tenth_elective() -> None:
    plan = share_out(100_000, Random(1))
    # Four standard deviations.
    assert abs(plan.evidence - 20_000) < 500
    assert abs(plan.elective - 10_000) < 400


def test_counting_his_leases_tells_a_reviewer_nothing_of_the_next() -> None:
    chance = Random(2)
    evidence = [share_out(1, chance).evidence for _ in range(50_000)]
    for distance in range(1, 11):
        after = [later for now, later in zip(evidence, evidence[distance:], strict=False) if now]
        assert abs(sum(after) / len(after) - 0.2) < 0.02


def test_the_place_of_a_task_in_an_answer_says_nothing_of_its_group() -> None:
    chance, at = Random(3), [0] * 10
    for _ in range(10_000):
        given_out = mixed([["e1", "e2"], [f"m{number}" for number in range(8)]], chance)
        assert [task for task in given_out if task[0] == "m"] == [f"m{n}" for n in range(8)]
        assert given_out.index("e1") < given_out.index("e2")
        for place, task in enumerate(given_out):
            at[place] += task[0] == "e"
    assert all(abs(count / 10_000 - 0.2) < 0.02 for count in at)
