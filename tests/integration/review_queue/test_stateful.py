"""Random histories of leases, answers, expiries and clock jumps give what the model gives."""

import asyncio
import itertools
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.review_queue.app import webhook_sender
from services.review_queue.lifecycle.claims import ClaimService
from services.review_queue.lifecycle.decisions import DecisionService
from services.review_queue.lifecycle.draws import LeaseDraws
from services.review_queue.lifecycle.intake import IntakeService
from services.review_queue.lifecycle.lanes import AVAILABLE_AT_ONCE
from services.review_queue.lifecycle.messages import Adjudication
from services.review_queue.lifecycle.moves import MoveService
from services.review_queue.lifecycle.outcomes.service import OutcomeService
from services.review_queue.lifecycle.problems import LeaseExpired
from services.review_queue.lifecycle.rechecking import Rechecks
from services.review_queue.lifecycle.tasks.service import TaskService
from services.review_queue.links.signing import LinkSigner
from services.review_queue.projects.messages import ProjectStatement
from services.review_queue.projects.service import ProjectService
from services.review_queue.quality.tags.service import TagService
from services.review_queue.services import build_services
from services.review_queue.settings import ReviewQueueSettings
from services.review_queue.webhooks.announcing import Announcer
from services.review_queue.webhooks.relay import Relay
from services.review_queue.worker import Worker
from shared.auth import Principal
from shared.contracts.base import task_id_for
from shared.contracts.tasks import Lane, LeaseProgress, LeaseRequest, SkipBody, VerdictBody
from shared.db import Database
from shared.doorbells import Doorbells
from shared.http.access import Services
from shared.problems import Conflict
from shared.store import Store
from tests.harness.clock import Clock
from tests.harness.databases import create_tables
from tests.harness.desk import PROJECT
from tests.integration.review_queue.model import MAX_OVERLAP, OVERLAP, Lease, Queue, Task

Result = TypeVar("Result")

_MOST_TASKS = 3
REVIEWERS = ["r1", "r2", "r3", "r4", "r5"]
LANES: list[Lane] = ["mandatory", "audit", "optional", "pool"]
EXPIRIES = st.none() | st.sampled_from([10, 45, 200])
# Most tasks need no tag, so that histories go deep.
CHANNELS = st.sampled_from([None, None, "web", "mail"])
TAGS = st.sampled_from(["channel=web", "channel=mail", "channel=post"])
LABELS = st.sampled_from(["negative", "positive"])
PLACES = st.integers(0, 10**6)
# One project an example: a database is made once a test.
_numbers = itertools.count()


async def _never() -> bool:
    return False


class History(RuleBasedStateMachine):
    """One history. `database_url` and `store` are set by the test."""

    database_url = ""
    store_folder = Path()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.model = Queue(AVAILABLE_AT_ONCE)
        self.project = f"shop{next(_numbers)}"
        self.posted = 0
        self.database, self.services, self.worker = self.run(self._with_state())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    async def _with_state(self) -> tuple[Database, Services, Worker]:
        database, bells = Database(self.database_url), Doorbells("")
        store = Store(self.store_folder.as_uri())
        sender = webhook_sender(ReviewQueueSettings(), self.clock)
        relay = Relay(database, sender, self.clock, 1.0)
        announcer = Announcer(database, store, self.clock)
        worker = Worker(database, bells, self.clock, 1.0, relay, announcer, Rechecks(store))
        services = build_services(
            *(database, bells, store, sender, LeaseDraws("secret"), LinkSigner(Path("keys"))),
            now=self.clock,
            nudge=worker.nudge,
            poll_seconds=0.01,
        )
        return database, services, worker

    @initialize()
    def project_is_made(self) -> None:
        review: dict[str, Any] = {"overlap": OVERLAP, "max_overlap": MAX_OVERLAP}
        review |= {"lease_seconds": 60, "match": ["channel"]}
        spec = ProjectStatement.model_validate({**PROJECT, "review": review})
        self.run(self.services[ProjectService].put(self.project, spec))

    # Few tasks, so that histories go deep.
    @precondition(lambda self: self.posted < _MOST_TASKS)
    @rule(count=st.integers(1, 2), lane=st.sampled_from(LANES), seconds=EXPIRIES, channel=CHANNELS)
    def post(self, count: int, lane: Lane, seconds: int | None, channel: str | None) -> None:
        items = [f"i{self.posted + n}" for n in range(count)]
        self.posted += count
        # No two at one moment: the order in which they expire is known.
        for place, item in enumerate(items):
            expires_at = None
            if seconds is not None and lane == "optional":
                expires_at = self.clock() + timedelta(
                    seconds=seconds, milliseconds=self.posted + place
                )
            entry = {"item_id": item, "data": {"text": item}, "lane": lane, "due_at": expires_at}
            entry["metadata"] = {} if channel is None else {"channel": channel}
            self.run(self.services[IntakeService].enqueue(self.project, [entry], "op"))
            need = channel and f"channel={channel}"
            self.model.post([item], lane, self.clock(), expires_at, need)

    @rule(reviewer=st.sampled_from(REVIEWERS), tags=st.sets(TAGS))
    def tag(self, reviewer: str, tags: set[str]) -> None:
        work = self.services[TagService].put(self.project, reviewer, sorted(tags))
        self.run(work)
        self.model.tags[reviewer] = tags

    @rule(reviewer=st.sampled_from(REVIEWERS), count=st.integers(1, 4))
    def lease(self, reviewer: str, count: int) -> None:
        wanted = self.model.claimable(reviewer, self.clock())
        got = self.run(
            self.services[ClaimService].lease(
                self.project, reviewer, LeaseRequest(count=count), _never
            )
        ).leases
        items = [one.task.item_id for one in got]
        assert len(set(items)) == len(items) == min(count, len(wanted))
        assert set(items) <= wanted
        assert self.model.in_order(set(items), wanted - set(items), self.clock())
        for one in got:
            self.model.lease(one.token, one.task.item_id, reviewer, self.clock())

    @precondition(lambda self: self.posted)
    @rule(reviewer=st.sampled_from(REVIEWERS), skips=st.booleans(), label=LABELS)
    def answer(self, reviewer: str, label: str, *, skips: bool) -> None:
        """Lease one task and answer it at once, as most people do."""
        before = len(self.model.leases)
        self.lease(reviewer, 1)
        if len(self.model.leases) == before:
            return
        lease, who = self.model.leases[-1], self._who(self.model.leases[-1])
        if skips:
            self.run(self.services[MoveService].skip(lease.token, SkipBody(), who))
            self.model.skip(lease, "others", self.clock())
        else:
            self.run(self.services[MoveService].submit(lease.token, VerdictBody(label=label), who))
            self.model.vote(lease, label, self.clock())

    @precondition(lambda self: self.model.leases)
    @rule(place=PLACES, label=LABELS)
    def verdict(self, place: int, label: str) -> None:
        lease = self._lease(place)
        work = self.services[MoveService].submit(
            lease.token, VerdictBody(label=label), self._who(lease)
        )
        if self._use(lease, "verdict", label, work):
            self.model.vote(lease, label, self.clock())

    @precondition(lambda self: self.model.leases)
    @rule(place=PLACES, to=st.sampled_from(["others", "me", "adjudicator"]))
    def skip(self, place: int, to: Any) -> None:
        lease = self._lease(place)
        work = self.services[MoveService].skip(lease.token, SkipBody(to=to), self._who(lease))
        if self._use(lease, "skip", to, work):
            self.model.skip(lease, to, self.clock())

    @precondition(lambda self: self.model.leases)
    @rule(place=PLACES)
    def release(self, place: int) -> None:
        lease = self._lease(place)
        work = self.services[MoveService].release(lease.token, self._who(lease))
        if self._use(lease, "release", None, work):
            self.model.release(lease)

    @precondition(lambda self: self.model.leases)
    @rule(place=PLACES)
    def renew(self, place: int) -> None:
        lease = self._lease(place)
        live = self.model.judge(lease, "", None, self.clock()) == "taken"
        work = self.services[MoveService].renew(lease.token, self._who(lease))
        if live:
            self.run(work)
            self.model.renew(lease, self.clock())
        else:
            with pytest.raises(LeaseExpired):
                self.run(work)

    @precondition(lambda self: self.model.leases)
    @rule(place=PLACES)
    def undo(self, place: int) -> None:
        lease = self._lease(place)
        work = self.services[MoveService].undo(lease.token, self._who(lease))
        if lease.ending == "undo":
            self.run(work)
            return
        if not self.model.may_undo(lease):
            with pytest.raises(Conflict):
                self.run(work)
            return
        self.run(work)
        self.model.undo(lease, self.clock())

    @precondition(lambda self: self.model.tasks)
    @rule(place=PLACES)
    def reopen(self, place: int) -> None:
        task = self._task(place)
        work = self.services[DecisionService].reopen(self.project, self._id(task), "op")
        if task.state != "resolved":
            with pytest.raises(Conflict):
                self.run(work)
            return
        self.run(work)
        self.model.reopen(task, self.clock())

    @precondition(lambda self: self.model.tasks)
    @rule(place=PLACES, label=LABELS)
    def adjudicate(self, place: int, label: str) -> None:
        task = self._task(place)
        body = Adjudication(label=label)
        work = self.services[DecisionService].adjudicate(self.project, self._id(task), body, "op")
        if task.state != "resolved":
            self.run(work)
            # An expired lease is ended as such first.
            if task.seen_state(self.clock()) == "open" and task.lease is not None:
                task.lease.ending = task.lease.ending or "expiry"
            self.model.adjudicate(task, label)
        elif (task.source, task.label) == ("adjudicator", label):
            self.run(work)
        else:
            with pytest.raises(Conflict):
                self.run(work)

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 61, 300]), back=st.booleans())
    def clock_jumps(self, seconds: int, back: bool) -> None:
        self.clock.advance(-seconds if back else seconds)

    @rule()
    def worker_runs(self) -> None:
        self.run(self.worker.expire_leases())
        self.model.expire(self.clock())
        self.run(self.worker.expire_tasks())
        self.model.expire_tasks(self.clock())

    def teardown(self) -> None:
        """Compare the whole feed, at the end: it tells all that was resolved in between."""
        try:
            if self.posted:
                self._outcomes_are_the_models()
        finally:
            self.run(self.database.dispose())
            self.runner.close()

    def _outcomes_are_the_models(self) -> None:
        feed = self.run(
            self.services[OutcomeService].feed(
                self.project, after=None, limit=1000, brief=True, wait_seconds=0, gone=_never
            )
        )
        seen = [
            (one.item_id, one.revision, one.label, one.source, one.verdicts)
            for one in feed.outcomes
        ]
        assert seen == self.model.outcomes

    @invariant()
    def states_are_the_models(self) -> None:
        for task in self.model.tasks.values():
            shown = self.run(self.services[TaskService].show(self.project, self._id(task)))
            assert shown.state == task.seen_state(self.clock())
            assert (shown.adjudication, shown.skips) == (task.adjudication, task.skips)
            assert (shown.label, shown.revision) == (task.label, task.revision)

    def _lease(self, place: int) -> Lease:
        # The newest more often: those of long ago only repeat themselves.
        return self.model.leases[-1 - place % min(len(self.model.leases), 8)]

    def _task(self, place: int) -> Task:
        return list(self.model.tasks.values())[place % len(self.model.tasks)]

    def _id(self, task: Task) -> str:
        return task_id_for(self.project, task.item_id)

    def _who(self, lease: Lease) -> Principal:
        return Principal(lease.reviewer, "reviewer", None, 2e9, "t")

    def _use(
        self, lease: Lease, ending: str, body: object, work: Coroutine[Any, Any, LeaseProgress]
    ) -> bool:
        """Use the lease, and see that it is answered as it should be; say whether it was taken."""
        expected = self.model.judge(lease, ending, body, self.clock())
        if expected == "conflict":
            with pytest.raises(Conflict):
                self.run(work)
        elif expected == "expired":
            with pytest.raises(LeaseExpired):
                self.run(work)
        else:
            self.run(work)
        return expected == "taken"


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "histories",
    [
        pytest.param(5, marks=pytest.mark.any_database),
        pytest.param(12, marks=[pytest.mark.thorough, pytest.mark.sql]),
    ],
)
def test_random_histories_do_not_diverge_from_the_model(
    database_url: str, tmp_path: Path, histories: int
) -> None:
    asyncio.run(create_tables("review_queue", database_url))
    machine = type("Here", (History,), {"database_url": database_url, "store_folder": tmp_path})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=histories,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
