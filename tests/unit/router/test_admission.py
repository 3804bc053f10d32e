"""Admission: which calls are refused, and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.admission import Admission, holder_of
from services.router.errors import Overloaded
from services.router.rates import RateLimit
from services.router.scoring.flow import Flow
from shared.auth import Principal
from shared.problems import TooManyRequests

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


def test_tokens_have_rates_of_their_own_and_calls_without_one_share_theirs() -> None:
    admission = Admission(1.0, 10_000, RateLimit(1, now=lambda: 0.0))
    one, other = (Principal("app", "caller", None, 0.0, token_id) for token_id in ("1", "2"))
    for caller in (one, other, None):
        admission.charge(caller, 1000)
        with pytest.raises(TooManyRequests):
            admission.charge(caller, 1)
    assert admission.headers(one)["RateLimit"] == '"items";r=0;t=1000'
    assert len({holder_of(one), holder_of(other), holder_of(None)}) == 3


def test_without_a_rate_nothing_is_charged_or_said() -> None:
    ADMISSION.charge(None, 1_000_000)
    assert ADMISSION.headers(None) == {}
