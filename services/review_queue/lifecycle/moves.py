"""What holders of leases do: verdict, skip, renew, release, undo. Those that wait share a batch."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from services.review_queue.consensus.reliability import Reliability
from services.review_queue.lifecycle.batches import BatchDecision, BatchQueue, BatchScheduler
from services.review_queue.lifecycle.lease_times import LeaseTimes
from services.review_queue.lifecycle.messages import Renewal
from services.review_queue.lifecycle.metrics import VERDICTS
from services.review_queue.lifecycle.presenting import Action, PresentedLease, is_token
from services.review_queue.lifecycle.problems import LeaseExpired
from services.review_queue.lifecycle.repository import gold, reading
from services.review_queue.lifecycle.repository.writing import written
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import History
from services.review_queue.projects.reading import ProjectCache
from services.review_queue.repository.pipelining import Rows, Statement
from shared.auth import Principal
from shared.contracts.projects import Project
from shared.contracts.tasks import LeaseProgress, SkipBody, VerdictBody
from shared.db import Session
from shared.problems import NotFound, Problem
from shared.tracing import link, note, traced

_MOST = 100


# What is known of a project's reviewers; None for nothing yet.
KnownOf = Callable[[Project], Reliability | None]


@dataclass(frozen=True)
class Move:
    """What `who` wants to do with the lease of `token`."""

    token: str
    action: Action
    who: Principal


@dataclass(frozen=True)
class Moved:
    """What the reviewer is told, what the span is to say, and whether anything changed.

    `committed` is to be called once the change is.
    """

    answer: LeaseProgress | Renewal
    project: str
    trace: str | None
    changed: bool
    committed: Callable[[], None] = lambda: None


# Uses a probe as if it were a lease; None where the token is no probe's either.
UseProbe = Callable[[Session, Move, datetime], Awaitable[Moved | None]]


@dataclass
class MoveService:
    """What holders of leases do, on tasks and on gold alike. Each call may be repeated.

    All raise `NotFound` (not a token), `Forbidden` (another project's), `LeaseExpired` (expired,
    or another reviewer's) and `Conflict` (used before, otherwise).
    """

    scheduler: BatchScheduler
    projects: ProjectCache
    times: LeaseTimes
    known: KnownOf
    use_probe: UseProbe
    nudge: Callable[[], None]

    def __post_init__(self) -> None:
        begin = partial(_MoveBatch, self)
        self._queue: BatchQueue[Move, Moved] = BatchQueue(self.scheduler, begin, _MOST)

    @traced("verdict", kind="server")
    async def submit(self, token: str, body: VerdictBody, who: Principal) -> LeaseProgress:
        """Give a verdict; `Unprocessable` when its label is not the project's."""
        # Gold is counted too: the counters must not tell which task was gold.
        return await self._progress(token, body, who, counted="verdict")

    @traced("skip", kind="server")
    async def skip(self, token: str, body: SkipBody, who: Principal) -> LeaseProgress:
        """Leave the task to others, to oneself later, or to an adjudicator."""
        return await self._progress(token, body, who, counted="skip")

    async def release(self, token: str, who: Principal) -> LeaseProgress:
        """Give the task back at once."""
        return await self._progress(token, "release", who)

    async def renew(self, token: str, who: Principal) -> Renewal:
        """Let the lease last as long again, from now on."""
        moved = await self._move(token, "renew", who)
        assert isinstance(moved.answer, Renewal)
        return moved.answer

    @traced("undo", kind="server")
    async def undo(self, token: str, who: Principal) -> LeaseProgress:
        """Take back the verdict or skip given under `token`, while nothing has come after it.

        The task waits for the same reviewer as long as a lease lasts, then for all. Where it was
        resolved, its outcome gets a revision without a label.
        """
        return await self._progress(token, "undo", who)

    async def _progress(
        self, token: str, action: Action, who: Principal, counted: str | None = None
    ) -> LeaseProgress:
        moved = await self._move(token, action, who)
        if counted is not None and moved.changed:
            VERDICTS.labels(moved.project, counted).inc()
        assert isinstance(moved.answer, LeaseProgress)
        return moved.answer

    async def _move(self, token: str, action: Action, who: Principal) -> Moved:
        if not is_token(token):
            raise NotFound("This is not a lease's token.")
        moved = await self._queue(Move(token, action, who))
        note(project=moved.project)
        link([moved.trace])
        moved.committed()
        self.nudge()
        return moved


@dataclass(frozen=True)
class _MoveBatch:
    """The moves of one batch."""

    service: MoveService
    calls: Sequence[Move]
    now: datetime
    waits: bool

    def reading(self, session: Session) -> Statement:
        """Find the leases."""
        return reading.presented(session, [one.token for one in self.calls], waits=self.waits)

    async def decide(self, session: Session, rows: Rows) -> BatchDecision[Moved]:
        """Decide about each lease; of a task that comes twice the first call alone is answered."""
        found = {row.token: row for row in rows}
        if self.waits and not found:
            return BatchDecision([await self._probe(session)], [])
        tasks: set[str] = set()
        presented: list[PresentedLease | None] = []
        for call in self.calls:
            row = found.get(call.token)
            if row is None or row.task_id in tasks:
                presented.append(None)
                continue
            tasks.add(row.task_id)
            presented.append(await self._presented(session, call, row))
        given = [one for one in presented if one is not None]
        await self._look_back(session, given)
        answers = [None if one is None else _use(one) for one in presented]
        changes = [
            one.change
            for one, answer in zip(presented, answers, strict=True)
            if one is not None and isinstance(answer, Moved) and answer.changed
        ]
        return BatchDecision(answers, written(session, changes))

    async def _presented(self, session: Session, call: Move, row: Any) -> PresentedLease:
        task, lease = reading.task_and_lease(row)
        project = await self.service.projects.at(session, task.project, row.project_revision)
        change = Change(task, self.now)
        known = self.service.known(project)
        return PresentedLease(change, lease, project, call.action, call.who, History(), known)

    async def _look_back(self, session: Session, presented: Sequence[PresentedLease]) -> None:
        """Read what else the decisions need: for most verdicts nothing."""
        back = [one for one in presented if one.needs_history]
        histories = await reading.histories(session, [one.lease.task_id for one in back])
        for one in back:
            one.history = histories[one.lease.task_id]
            if one.action == "undo":
                task = one.change.task
                one.history.is_gold = await gold.is_gold(session, task.project, task.task_id)
            await reading.look_for_others(
                session, one.change, one.project, one.history, one.lease.reviewer
            )
        for one in presented:
            if one.needs_time:
                one.lasts = await self.service.times.of(session, one.project)

    async def _probe(self, session: Session) -> Moved:
        moved = await self.service.use_probe(session, self.calls[0], self.now)
        if moved is None:
            raise LeaseExpired("There is no such lease; lease a task.")
        return moved


def _use(presented: PresentedLease) -> Moved | Problem:
    task, change = presented.change.task, presented.change
    try:
        answer = presented.use()
    except Problem as problem:
        return problem
    return Moved(answer, task.project, task.trace, changed=bool(change.leases))
