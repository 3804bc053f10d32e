"""Periods of certifications: when one ends, and which number a test gets."""

from datetime import UTC, datetime, timedelta

import pytest

from services.trainer.promise.periods import PlaceInPeriod, alarmed_at, next_place
from services.trainer.tables import ProjectState

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def state(tests: int = 2) -> ProjectState:
    return ProjectState(
        project="toys",
        pool_seed="",
        audit_epoch="",
        period_began_at=BEGAN,
        tests_in_period=tests,
    )


def test_the_first_test_begins_a_period() -> None:
    fresh = ProjectState(project="toys", pool_seed="", audit_epoch="")
    for known in (None, fresh):
        assert next_place(known, now=BEGAN, expires_days=30) == PlaceInPeriod(BEGAN, 1)


@pytest.mark.parametrize(
    ("days", "renews", "number"),
    [(1, False, 3), (29.9, False, 3), (30, False, 1), (22.4, True, 3), (22.5, True, 1)],
)
def test_a_period_ends_with_its_days_and_a_renewal_ends_its_last_quarter(
    days: float, renews: bool, number: int
) -> None:
    now = BEGAN + timedelta(days=days)
    place = next_place(state(), now=now, expires_days=30, renews=renews)
    assert place == PlaceInPeriod(now if number == 1 else BEGAN, number)


def test_an_alarm_of_the_audit_ends_a_period_once() -> None:
    now, alarm = BEGAN + timedelta(days=2), BEGAN + timedelta(days=1)
    assert next_place(state(), now=now, expires_days=30, suspensions=[alarm]).number == 1
    # A period that began after the alarm is not ended by it.
    before = BEGAN - timedelta(days=1)
    assert next_place(state(), now=now, expires_days=30, suspensions=[before]).number == 3


def test_a_suspension_that_passes_is_no_alarm() -> None:
    at = "2026-11-02T00:00:00.000Z"
    assert alarmed_at(None) is None
    assert alarmed_at({"cause": "audit_overdue", "at": at}) is None
    assert alarmed_at({"cause": "audit_jump", "at": at}) == BEGAN + timedelta(days=1)
