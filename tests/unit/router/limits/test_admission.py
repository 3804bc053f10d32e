"""Admission: which calls are refused, and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.limits.admission import Admission, Flow
from services.router.problems import Overloaded

ADMISSION = Admission(max_wait_seconds=1.0, max_items=10_000)
TURN = 16


def flow_of(pace: float, *calls: int) -> Flow:
    """A flow in which calls of so many items are on their way."""
    flow = Flow(pace, TURN)
    for count in calls:
        flow.enter(count)
    return flow


@pytest.mark.parametrize(
    ("pace", "calls", "refused"),
    [
        (100.0, [], None),
        (0.1, [10], None),
        (0.1, [5, 6], 2),
        (0.01, [1000], None),
        (0.01, 7 * [1000], 60),
        (0.0001, 9 * [1000] + [999], None),
        (0.0001, 10 * [1000], 1),
        (0.25, [5], 2),
    ],
)
def test_a_call_is_refused_when_its_wait_would_be_too_long(
    pace: float, calls: list[int], refused: int | None
) -> None:
    flow = flow_of(pace, *calls)
    assert ADMISSION.refusal(flow) == refused
    if refused is None:
        ADMISSION.check(flow)
    else:
        with pytest.raises(Overloaded) as caught:
            ADMISSION.check(flow)
        assert caught.value.headers["Retry-After"] == str(refused)


@given(
    calls=st.lists(st.integers(1, 1000), max_size=50),
    more=st.integers(1, 1000),
    pace=st.floats(1e-6, 10.0),
)
def test_more_on_its_way_never_turns_a_refusal_into_a_welcome(
    calls: list[int], more: int, pace: float
) -> None:
    before = ADMISSION.refusal(flow_of(pace, *calls))
    after = ADMISSION.refusal(flow_of(pace, *calls, more))
    if before is not None:
        assert after is not None
        assert 1 <= before <= after <= 60
