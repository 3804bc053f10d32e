"""Erlang's C against closed forms, and against a simulated queue."""

import heapq
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.timings.erlang import mean_wait, waiting_probability


@given(st.floats(0.0, 0.999))
def test_one_reviewer_is_busy_as_often_as_there_is_work(load: float) -> None:
    assert waiting_probability(1, load) == pytest.approx(load)


@given(st.floats(0.0, 1.99))
def test_two_reviewers_follow_the_closed_form(load: float) -> None:
    assert waiting_probability(2, load) == pytest.approx(load**2 / (2 + load), abs=1e-12)


def test_published_table_value() -> None:
    # Erlang C for 10 servers and 8 Erlang, as tables give it.
    assert waiting_probability(10, 8.0) == pytest.approx(0.4092, abs=5e-5)


@given(st.integers(1, 50), st.floats(0.01, 60))
def test_more_reviewers_never_make_a_task_wait_longer(servers: int, load: float) -> None:
    few, more = (mean_wait(number, load, 1.0) for number in (servers, servers + 1))
    if few is not None:
        assert more is not None
        assert more <= few
    assert 0.0 <= waiting_probability(servers, load) <= 1.0


@pytest.mark.parametrize(("servers", "arrivals", "services"), [(2, 2.0, 1.0), (3, 9.0, 1.0)])
def test_more_work_than_all_can_do_never_ends(
    servers: int, arrivals: float, services: float
) -> None:
    assert mean_wait(servers, arrivals, services) is None
    assert waiting_probability(servers, arrivals / services) == 1.0


def test_nobody_who_answers_has_no_wait_to_tell() -> None:
    assert mean_wait(2, 1.0, 0.0) is None


@pytest.mark.parametrize(("servers", "arrivals"), [(0, 1.0), (1, -1.0)])
def test_impossible_queues_are_refused(servers: int, arrivals: float) -> None:
    with pytest.raises(ValueError, match="reviewer"):
        waiting_probability(servers, arrivals)


@pytest.mark.parametrize(("servers", "arrivals"), [(1, 0.7), (4, 3.2), (12, 9.0)])
def test_a_simulated_queue_waits_as_long(servers: int, arrivals: float) -> None:
    draw = random.Random(servers)
    free = [0.0] * servers
    now, waited, tasks = 0.0, 0.0, 100_000
    for _ in range(tasks):
        now += draw.expovariate(arrivals)
        begins = max(now, heapq.heappop(free))
        waited += begins - now
        heapq.heappush(free, begins + draw.expovariate(1.0))
    expected = mean_wait(servers, arrivals, 1.0)
    assert expected is not None
    # Waits are strongly correlated: this many tasks pin their mean down to about a tenth.
    assert waited / tasks == pytest.approx(expected, rel=0.15)
    # Little's law, by which the backlog is told in seconds: as many wait, on average, as come
    # while one waits.
    assert waited / now == pytest.approx(arrivals * expected, rel=0.15)
