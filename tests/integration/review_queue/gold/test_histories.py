"""Random histories of gold, answers, expiries and clock jumps give what a small model gives."""

import asyncio
import itertools
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.review_queue.lifecycle.moves import MoveService
from services.review_queue.lifecycle.outcomes.service import OutcomeService
from services.review_queue.lifecycle.problems import LeaseExpired
from shared.auth import Principal
from shared.contracts.tasks import LeaseProgress, SkipBody, VerdictBody
from shared.problems import Conflict
from tests.harness.clock import Clock
from tests.integration.review_queue.gold.crowd import Crowd, gather

Result = TypeVar("Result")

_LEASE = timedelta(seconds=60)
_ITEMS = 5
REVIEWERS = ["r1", "r2"]
LABELS = st.sampled_from(["complaint", "praise"])
PLACES = st.integers(0, 10**6)
# One project an example: a database is made once a test.
_numbers = itertools.count()


@dataclass
class Probe:
    """One lease of gold, as it should stand."""

    token: str
    item_id: str
    reviewer: str
    expires_at: datetime
    ending: str | None = None
    ended_at: datetime | None = None
    body: object = None

    def live(self, now: datetime) -> bool:
        return self.ending is None and self.expires_at > now

    def came_back(self, now: datetime) -> bool:
        if self.put_off():
            return self.ended_at is not None and self.ended_at <= now - _LEASE
        return self.ending in {"release", "undo"} or (
            self.ending is None and self.expires_at <= now
        )

    def put_off(self) -> bool:
        return (self.ending, self.body) == ("skip", "me")


async def _here() -> bool:
    return False


class History(RuleBasedStateMachine):
    """One history; `url` and `folder` are set by the test, which makes a database for each."""

    url = ""
    folder = Path()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.probes: list[Probe] = []
        self.crowd = self.run(self._begun())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    async def _begun(self) -> Crowd:
        crowd = await gather(self.url, self.folder, self.clock, random.Random(1))
        crowd.project = f"shop{next(_numbers)}"
        # Whatever is leased is gold, and nobody is ever done with it.
        await crowd.put(onboarding_tasks=1000, lease_seconds=60)
        await crowd.add("right", _ITEMS)
        return crowd

    def _newest(self, reviewer: str) -> dict[str, Probe]:
        return {one.item_id: one for one in self.probes if one.reviewer == reviewer}

    @rule(reviewer=st.sampled_from(REVIEWERS), count=st.integers(1, 4))
    def lease(self, reviewer: str, count: int) -> None:
        newest, now = self._newest(reviewer), self.clock()
        back = {item for item, one in newest.items() if one.came_back(now)}
        free = self.crowd.truth.keys() - newest.keys()
        got = self.run(self.crowd.lease(reviewer, count))
        items = {one.task.item_id for one in got}
        # A newcomer gets what he put off, and then what he skipped, once there is nothing else.
        put_off = {item for item, one in newest.items() if one.put_off()} - back
        skipped = {item for item, one in newest.items() if one.ending == "skip"} - back - put_off
        first: set[str] = set()
        for more in (back, free, put_off, skipped):
            first |= more
            assert items <= first or first <= items
        assert items <= first
        assert len(items) == len(got) == min(count, len(first))
        for one in got:
            before = newest.get(one.task.item_id)
            if before is not None and before.ending is None:
                before.ending = "expiry"
            self.probes.append(Probe(one.token, one.task.item_id, reviewer, now + _LEASE))

    @precondition(lambda self: self.probes)
    @rule(place=PLACES, label=LABELS)
    def verdict(self, place: int, label: str) -> None:
        one = self._probe(place)
        body = VerdictBody(label=label)
        self._use(one, "verdict", label, self.moves.submit(one.token, body, _who(one)))

    @precondition(lambda self: self.probes)
    @rule(place=PLACES, to=st.sampled_from(["others", "me", "adjudicator"]))
    def skip(self, place: int, to: Any) -> None:
        one = self._probe(place)
        self._use(one, "skip", to, self.moves.skip(one.token, SkipBody(to=to), _who(one)))

    @precondition(lambda self: self.probes)
    @rule(place=PLACES)
    def release(self, place: int) -> None:
        one = self._probe(place)
        self._use(one, "release", None, self.moves.release(one.token, _who(one)))

    @precondition(lambda self: self.probes)
    @rule(place=PLACES)
    def renew(self, place: int) -> None:
        one = self._probe(place)
        work = self.moves.renew(one.token, _who(one))
        if one.live(self.clock()):
            self.run(work)
            one.expires_at = self.clock() + _LEASE
        else:
            with pytest.raises(LeaseExpired):
                self.run(work)

    @precondition(lambda self: self.probes)
    @rule(place=PLACES)
    def undo(self, place: int) -> None:
        one = self._probe(place)
        work = self.moves.undo(one.token, _who(one))
        if one.ending in {"verdict", "skip"} and not one.put_off():
            # Skipped gold comes again: its newer lease lasts, or its answer has moved the task on.
            newest = self._newest(one.reviewer)[one.item_id]
            try:
                state = self.run(work).state
            except Conflict:
                assert newest is not one
                assert newest.ending in {"verdict", "skip", "undo"}
                return
            assert state == ("leased" if newest.ending is None else "open")
            one.ending, one.body = "undo", None
        elif one.ending == "undo":
            assert self.run(work).state == "open"
        else:
            with pytest.raises(Conflict):
                self.run(work)

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 61, 300]), back=st.booleans())
    def clock_jumps(self, seconds: int, back: bool) -> None:
        self.clock.advance(-seconds if back else seconds)

    def teardown(self) -> None:
        """Compare what is known of people, and see that nothing else has changed."""
        try:
            for reviewer in REVIEWERS:
                self._figures_are_the_models(reviewer)
            feed = self.run(
                self.crowd.services[OutcomeService].feed(
                    self.crowd.project, after=None, limit=99, brief=True, wait_seconds=0, gone=_here
                )
            )
            assert {one.item_id for one in feed.outcomes} == set(self.crowd.truth)
            assert {one.revision for one in feed.outcomes} == {1}
        finally:
            self.run(self.crowd.database.dispose())
            self.runner.close()

    def _figures_are_the_models(self, reviewer: str) -> None:
        his = [one for one in self.probes if one.reviewer == reviewer]
        given = [one for one in his if one.ending == "verdict"]
        assert len({one.item_id for one in given}) == len(given)
        right = [one for one in given if one.body == self.crowd.truth[one.item_id]]
        skips = [one for one in his if one.ending == "skip" and not one.put_off()]
        report = self.run(self.crowd.report(reviewer))
        assert (report.verdicts, report.skips) == (len(given), len(skips))
        gold = (report.gold.tasks, report.gold.right) if report.gold else (0, 0)
        assert gold == (len(given), len(right))
        had = [one for one in self._newest(reviewer).values() if one.ending != "skip"]
        assert report.gold_left == _ITEMS - len(had)

    @property
    def moves(self) -> Any:
        return self.crowd.services[MoveService]

    def _probe(self, place: int) -> Probe:
        return self.probes[-1 - place % min(len(self.probes), 8)]

    def _use(
        self, one: Probe, ending: str, body: object, work: Coroutine[Any, Any, LeaseProgress]
    ) -> None:
        if one.ending in {"verdict", "skip", "release", "undo"}:
            if (one.ending, one.body) == (ending, body):
                self.run(work)
                return
            with pytest.raises(Conflict):
                self.run(work)
        elif one.live(self.clock()):
            self.run(work)
            one.ending, one.body, one.ended_at = ending, body, self.clock()
        else:
            with pytest.raises(LeaseExpired):
                self.run(work)


def _who(one: Probe) -> Principal:
    return Principal(one.reviewer, "reviewer", None, 2e9, "t")


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("histories", [4, pytest.param(8, marks=pytest.mark.thorough)])
def test_random_histories_do_not_diverge_from_the_model(
    database_url: str, tmp_path: Path, histories: int
) -> None:
    machine = type("Here", (History,), {"url": database_url, "folder": tmp_path})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=histories,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
