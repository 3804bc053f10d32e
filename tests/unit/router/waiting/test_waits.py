"""Who waits, and what they are told: random interleavings in a loop whose time the test turns."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from prometheus_client import REGISTRY

from services.router.delivery.messages import ItemOutcome
from services.router.waiting.waits import Wait, Waits

LIMIT = 8
# Instead of a label: the item was erased, and there is nothing to wait for any more.
ERASED = "?"
PROJECTS, ITEMS = ("shop", "news"), "abcd"


class TurnedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock stands still until it is turned."""

    moment = 0.0

    def time(self) -> float:
        return self.moment

    def settle(self) -> None:
        """Run all that can run now."""

        async def spin() -> None:
            for _ in range(10):
                await asyncio.sleep(0)

        self.run_until_complete(spin())


def outcome(item_id: str, revision: int | None, label: str | None) -> ItemOutcome:
    status: Any = "in_review" if label is None else "resolved"
    if label == ERASED:
        status, label = "erased", None
    return ItemOutcome(item_id=item_id, status=status, label=label, revision=revision)


def gauge() -> float:
    return REGISTRY.get_sample_value("surehand_router_waiters") or 0.0


@dataclass
class Expected:
    """What one call should see."""

    project: str
    items: frozenset[str]
    deadline: float
    task: "asyncio.Task[tuple[bool, dict[str, ItemOutcome]]]"
    newest: dict[str, ItemOutcome] = field(default_factory=dict)
    over: bool = False
    expired: bool = False

    def tell(self, project: str, outcomes: list[ItemOutcome]) -> None:
        for told in outcomes:
            known = self.newest.get(told.item_id)
            late = known is not None and (known.revision or 0) > (told.revision or 0)
            if project == self.project and told.item_id in self.items and not late:
                self.newest[told.item_id] = told
        resolved = [one for one in self.newest.values() if one.status != "in_review"]
        self.over = len(resolved) == len(self.items)


class Waiting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = TurnedLoop()
        self.before = gauge()
        self.waits = Waits(LIMIT)
        self.calls: list[Expected] = []
        self.ended = False

    def teardown(self) -> None:
        for call in self.running():
            call.task.cancel()
        self.loop.settle()
        self.loop.close()
        assert gauge() == self.before

    def running(self) -> list[Expected]:
        return [call for call in self.calls if not call.over]

    @rule(
        project=st.sampled_from(PROJECTS),
        items=st.frozensets(st.sampled_from(ITEMS)),
        seconds=st.sampled_from([0.0, 1.0, 3.0]),
    )
    def begin(self, project: str, items: frozenset[str], seconds: float) -> None:
        async def call() -> tuple[bool, dict[str, ItemOutcome]]:
            with self.waits.waiting(project, items, seconds) as wait:
                return await wait.over(), wait.newest

        waiting = sum(len(call.items) for call in self.running())
        made = Expected(project, items, self.loop.moment + seconds, self.loop.create_task(call()))
        beyond = waiting + len(items) > LIMIT
        made.over = not items or not seconds or self.ended or beyond
        self.calls.append(made)
        self.loop.settle()

    @rule(
        project=st.sampled_from(PROJECTS),
        told=st.lists(
            st.builds(
                outcome,
                st.sampled_from(ITEMS),
                st.sampled_from([None, 0, 1, 2, 3]),
                st.sampled_from([None, "x", "y", ERASED]),
            ),
            max_size=6,
        ),
    )
    def tell(self, project: str, told: list[ItemOutcome]) -> None:
        self.waits.tell(project, told)
        for call in self.running():
            # Whoever is told wakes up after all has been told.
            call.tell(project, told)
        self.loop.settle()

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0]))
    def turn(self, seconds: float) -> None:
        self.loop.moment += seconds
        for call in self.running():
            if call.deadline <= self.loop.moment:
                call.over = call.expired = True
        self.loop.settle()

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(self.running()))
        call.task.cancel()
        self.calls.remove(call)
        self.loop.settle()
        assert call.task.cancelled()

    @precondition(lambda self: len(self.calls) > 3)
    @rule()
    def end(self) -> None:
        self.waits.end()
        self.ended = True
        for call in self.running():
            call.over = True
        self.loop.settle()

    @invariant()
    def those_wait_who_should(self) -> None:
        running = self.running()
        assert gauge() - self.before == sum(len(call.items) for call in running)
        for project in PROJECTS:
            waiting = [call for call in running if call.project == project]
            assert self.waits.any(project) == bool(waiting)
            assert len(self.waits.of(project)) == len(waiting)

    @invariant()
    def all_know_what_they_were_told(self) -> None:
        for call in self.calls:
            assert call.task.done() == call.over
            if call.over:
                expired, newest = call.task.result()
                assert expired == call.expired
                assert newest == call.newest


@pytest.mark.thorough
def test_waits_under_random_interleavings() -> None:
    run_state_machine_as_test(
        Waiting, settings=settings(max_examples=15, stateful_step_count=25, deadline=None)
    )


@pytest.fixture
def wait() -> Wait:
    return Wait(["a", "b"], deadline=1e9)


async def labels(wait: Wait, *item_ids: str) -> dict[str, str | None]:
    return {name: known.label for name, known in (await wait.outcomes(item_ids)).items()}


async def test_an_item_that_was_opened_again_is_waited_for_again(wait: Wait) -> None:
    wait.tell(outcome("a", 1, "x"))
    wait.tell(outcome("a", 2, None))
    wait.tell(outcome("b", 1, "y"))
    assert not wait.is_over
    wait.tell(outcome("a", 1, "x"))
    assert not wait.is_over
    wait.tell(outcome("a", 3, "z"))
    assert await labels(wait, "a", "b") == {"a": "z", "b": "y"}


async def test_only_the_items_that_are_still_asked_for_keep_a_call_waiting(wait: Wait) -> None:
    wait.tell(outcome("a", 1, "x"))
    assert await labels(wait, "a") == {"a": "x"}


async def test_an_item_that_nobody_could_answer_ends_the_wait_without_a_label(wait: Wait) -> None:
    unanswerable = ItemOutcome(item_id="a", status="resolved", revision=1)
    wait.tell(unanswerable)
    wait.tell(outcome("b", 1, "y"))
    assert await labels(wait, "a", "b") == {"a": None, "b": "y"}
