"""Time in which reviewers hold leases: what overlaps counts once."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.timings.holding import LeaseInterval, busy_seconds
from tests.unit.review_queue.exchange.projects import MOMENT


def held(reviewer: str, since: int, until: int) -> LeaseInterval:
    return LeaseInterval(
        reviewer, MOMENT + timedelta(seconds=since), MOMENT + timedelta(seconds=until)
    )


SPANS = st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(0, 30))


def test_nothing_held_is_no_time() -> None:
    assert busy_seconds([]) == 0.0


def test_a_gap_is_not_counted_and_another_reviewer_is() -> None:
    assert busy_seconds([held("a", 0, 10), held("a", 20, 30), held("b", 5, 25)]) == 40.0


@given(st.lists(SPANS, max_size=12))
def test_each_second_counts_once_for_each_reviewer(spans: list[tuple[str, int, int]]) -> None:
    seconds = {(name, at) for name, since, until in spans for at in range(since, until)}
    assert busy_seconds(held(*span) for span in spans) == len(seconds)
