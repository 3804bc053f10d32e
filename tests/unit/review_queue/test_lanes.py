from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.tasks.lanes import EvidenceShare, lane_after, turn_of
from shared.contracts.tasks import EVIDENCE_LANES, Lane

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LANES: tuple[Lane, ...] = get_args(Lane)
BEYOND_EVERY_DUE_DATE = datetime.max.replace(tzinfo=UTC)


def test_mandatory_tasks_come_by_their_due_date() -> None:
    early = turn_of("mandatory", NOON, NOON)
    late = turn_of("mandatory", NOON + timedelta(microseconds=1), NOON - timedelta(days=9))
    assert early < late


@pytest.mark.parametrize("lane", ["pool", "relabel", "optional"])
def test_other_training_lanes_come_after_all_mandatory_ones_by_creation(lane: Lane) -> None:
    last_mandatory = turn_of("mandatory", BEYOND_EVERY_DUE_DATE, NOON)
    old = turn_of(lane, NOON, NOON - timedelta(days=9))
    assert last_mandatory < old < turn_of(lane, NOON - timedelta(days=99), NOON)


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


@given(st.lists(st.integers(1, 100), min_size=1, max_size=50))
def test_a_fifth_of_the_leases_is_evidence_while_it_waits(counts: list[int]) -> None:
    share, evidence, total = EvidenceShare(), 0, 0
    for count in counts:
        planned = share.plan(count)
        share.settle(planned, count, evidence=planned, others=count - planned)
        evidence += planned
        total += count
        assert evidence == -(-total // 5)


@given(st.integers(1, 100), st.integers(1, 100))
def test_plans_made_at_once_share_one_account(first: int, second: int) -> None:
    share = EvidenceShare()
    assert share.plan(first) + share.plan(second) == -(-(first + second) // 5)


def test_evidence_that_comes_after_a_drought_is_next() -> None:
    share = EvidenceShare()
    planned = share.plan(20)
    share.settle(planned, 20, evidence=0, others=20)
    assert share.plan(1) == 1


def test_leases_that_found_nothing_cost_evidence_nothing() -> None:
    share = EvidenceShare()
    share.settle(share.plan(1), 1, evidence=1, others=0)
    for _ in range(9):
        planned = share.plan(1)
        share.settle(planned, 1, evidence=0, others=0)
    assert [share.plan(1) for _ in range(5)] == [0, 0, 0, 0, 1]


def test_evidence_beyond_its_share_does_not_bank_a_debt() -> None:
    share = EvidenceShare()
    planned = share.plan(100)
    share.settle(planned, 100, evidence=100, others=0)
    assert share.plan(9) == 1
