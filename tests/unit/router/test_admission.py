"""Admission: which calls are refused, and for how long."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.admission import Admission
from services.router.errors import Overloaded
from services.router.scoring.pace import Pace

ADMISSION = Admission(max_wait_seconds=1.0, max_items=10_000)


@dataclass
class Waiting:
    items_ahead: int
    items_waiting: int
    pace: Pace


@pytest.mark.parametrize(
    ("ahead", "waiting", "pace", "refused"),
    [
        (0, 0, 100.0, None),
        (10, 10, 0.1, None),
        (11, 11, 0.1, 2),
        (64, 1000, 0.01, None),
        (640, 10_000, 0.0001, 1),
        (128, 2000, 0.01, 20),
        (64, 64, 100.0, 60),
    ],
)
def test_a_call_is_refused_when_its_wait_would_be_too_long(
    ahead: int, waiting: int, pace: float, refused: int | None
) -> None:
    queue = Waiting(ahead, waiting, Pace(pace))
    assert ADMISSION.refusal(queue) == refused
    if refused is None:
        ADMISSION.check(queue)
    else:
        with pytest.raises(Overloaded) as caught:
            ADMISSION.check(queue)
        assert caught.value.headers["Retry-After"] == str(refused)


@given(waiting=st.integers(0, 100_000), rest=st.integers(0, 10_000), pace=st.floats(1e-6, 10.0))
def test_more_waiting_never_turns_a_refusal_into_a_welcome(
    waiting: int, rest: int, pace: float
) -> None:
    refused = ADMISSION.refusal(Waiting(waiting, waiting + rest, Pace(pace)))
    more = ADMISSION.refusal(Waiting(waiting + 1, waiting + rest + 1, Pace(pace)))
    if refused is not None:
        assert more is not None
        assert 1 <= refused <= more <= 60
