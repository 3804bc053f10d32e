"""Which calls for a task that is there already read it for change."""

from dataclasses import replace
from typing import get_args

import pytest

from services.review_queue.lifecycle.lanes import lane_after
from services.review_queue.lifecycle.states import is_wanted_again, may_change
from shared.contracts.tasks import Lane, OutcomeSource
from tests.unit.review_queue.test_rules import LATER, NOW, project, task

LANES: tuple[Lane, ...] = get_args(Lane)
SOURCES: tuple[OutcomeSource, ...] = get_args(OutcomeSource)


@pytest.mark.parametrize("asked", LANES)
@pytest.mark.parametrize("current", LANES)
def test_task_whose_lane_may_move_is_locked(current: Lane, asked: Lane) -> None:
    for waiting in (task(lane=current, due_at=None), task(lane=current, state="open", due_at=None)):
        if lane_after(current, asked) != current:
            assert may_change(waiting, asked, project())
        elif current not in ("certification", "shadow"):
            assert not may_change(waiting, asked, project())


@pytest.mark.parametrize("asked", LANES)
@pytest.mark.parametrize("source", SOURCES)
def test_resolved_task_that_may_be_opened_again_is_locked(
    source: OutcomeSource, asked: Lane
) -> None:
    for current in LANES:
        resolved = task(state="resolved", lane=current, label="positive", source=source)
        if asked == "relabel" or is_wanted_again(resolved, asked, LATER, NOW):
            assert may_change(resolved, asked, project())
        assert may_change(replace(resolved, label="removed"), asked, project())


def test_call_that_is_repeated_waits_for_no_lock() -> None:
    assert not may_change(task(lane="mandatory"), "mandatory", project())
    answered = task(state="resolved", label="positive", source="human")
    assert not may_change(answered, "mandatory", project())


def test_task_that_may_expire_or_was_drawn_is_locked() -> None:
    assert may_change(task(lane="optional"), "optional", project())
    assert may_change(task(lane="certification"), "mandatory", project())
    assert may_change(task(lane="shadow"), "pool", project())
