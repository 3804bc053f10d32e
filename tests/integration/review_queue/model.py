"""The review queue as it should behave, in memory: what the real one is held against."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from services.review_queue.consensus.overlap import AskOneMore, Resolved, next_step
from services.review_queue.lifecycle.lanes import RESERVED_TURN, group_of, turn_of
from shared.contracts.tasks import Lane

OVERLAP, MAX_OVERLAP, LEASE = 2, 3, timedelta(seconds=60)
LATELY = timedelta(days=7)

Verdict = Literal["taken", "same", "conflict", "expired"]


@dataclass
class Lease:
    """One lease: whose, of which task, until when, and what was answered under it."""

    token: str
    task: "Task"
    reviewer: str
    expires_at: datetime
    ending: str | None = None
    body: object = None
    revision_after: int = 0


@dataclass
class Task:
    """One task. `votes` and `skipped` are the answers that stand, by reviewer."""

    item_id: str
    lane: Lane
    created_at: datetime
    available_at: datetime
    turn: int
    expires_at: datetime | None = None
    need: str | None = None
    state: str = "open"
    reserved_for: str | None = None
    lease: Lease | None = None
    votes: dict[str, str] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    skips: int = 0
    adjudication: bool = False
    revision: int = 0
    source: str | None = None
    label: str | None = None

    @property
    def ordinary_turn(self) -> int:
        return turn_of(self.lane, self.expires_at, self.created_at)

    def for_all(self, now: datetime) -> bool:
        expired = self.expires_at is not None and self.expires_at <= now
        return self.available_at <= now and not expired

    def claimable(self, reviewer: str, now: datetime) -> bool:
        """Say whether the reviewer may get it."""
        if self.state == "resolved" or self.adjudication:
            return False
        if reviewer in self.votes or reviewer in self.skipped:
            return False
        reserved = self.state == "open" and self.reserved_for == reviewer
        return reserved or self.for_all(now)

    def put_off(self, now: datetime) -> bool:
        """Say whether it waits for whom it is reserved for, behind all others."""
        return self.turn != RESERVED_TURN and not self.for_all(now)

    def before(self, other: "Task") -> bool:
        groups = {group_of(one.lane, one.expires_at) for one in (self, other)}
        return len(groups) == 1 and self.turn < other.turn

    def seen_state(self, now: datetime) -> str:
        """The state as people see it."""
        expired = self.state == "leased" and self.available_at <= now
        return "open" if expired else self.state


@dataclass
class Queue:
    """All tasks and leases, and the outcomes: (item, revision, label, source, verdicts).

    `tags` are what each reviewer can do.
    """

    epoch: datetime
    tasks: dict[str, Task] = field(default_factory=dict)
    leases: list[Lease] = field(default_factory=list)
    outcomes: list[tuple[str, int, str | None, str, int]] = field(default_factory=list)
    answered_at: dict[str, datetime] = field(default_factory=dict)
    tags: dict[str, set[str]] = field(default_factory=dict)

    def post(
        self,
        item_ids: Iterable[str],
        lane: Lane,
        now: datetime,
        expires_at: datetime | None,
        need: str | None,
    ) -> None:
        for item_id in item_ids:
            turn = turn_of(lane, expires_at, now)
            self.tasks[item_id] = Task(item_id, lane, now, self.epoch, turn, expires_at, need)

    def covers(self, reviewer: str, task: Task) -> bool:
        return task.need is None or task.need in self.tags.get(reviewer, set())

    def claimable(self, reviewer: str, now: datetime) -> set[str]:
        return {
            one.item_id
            for one in self.tasks.values()
            if one.claimable(reviewer, now) and self.covers(reviewer, one)
        }

    def in_order(self, got: set[str], left: set[str], now: datetime) -> bool:
        """Say whether none of `left` should have come before one of `got`."""
        return not any(
            other.before(mine) if mine.put_off(now) == other.put_off(now) else mine.put_off(now)
            for mine in map(self.tasks.__getitem__, got)
            for other in map(self.tasks.__getitem__, left)
        )

    def lease(self, token: str, item_id: str, reviewer: str, now: datetime) -> None:
        task = self.tasks[item_id]
        if task.lease is not None and task.lease.ending is None:
            task.lease.ending = "expiry"
        task.lease = Lease(token, task, reviewer, now + LEASE)
        task.state, task.reserved_for, task.available_at = "leased", None, now + LEASE
        self.leases.append(task.lease)

    def expire(self, now: datetime) -> None:
        """Do what the worker does."""
        for task in self.tasks.values():
            if task.state == "leased" and task.available_at <= now:
                task.state = "open"
                assert task.lease is not None
                task.lease.ending = task.lease.ending or "expiry"

    def expire_tasks(self, now: datetime) -> None:
        """Close what has expired, as the worker does, in the order in which it does."""
        expired = [
            (one.expires_at, one)
            for one in self.tasks.values()
            if one.expires_at is not None and one.expires_at <= now
        ]
        for _, task in sorted(expired, key=lambda pair: pair[0]):
            if task.state != "resolved" and not task.adjudication and task.available_at <= now:
                if task.lease is not None:
                    task.lease.ending = task.lease.ending or "expiry"
                self._resolve(task, None, "expiry", len(task.votes))

    def judge(self, lease: Lease, ending: str, body: object, now: datetime) -> Verdict:
        """Say what using the lease so must give."""
        if lease.ending in {"verdict", "skip", "release", "undo"}:
            return "same" if (lease.ending, lease.body) == (ending, body) else "conflict"
        live = lease.ending is None and lease.expires_at > now and lease.task.lease is lease
        return "taken" if live else "expired"

    def vote(self, lease: Lease, label: str, now: datetime) -> None:
        task = lease.task
        task.votes[lease.reviewer] = label
        self.answered_at[lease.reviewer] = now
        self._settle(task, now)
        self._end(lease, "verdict", label)

    def skip(self, lease: Lease, to: str, now: datetime) -> None:
        task = lease.task
        if to == "me":
            self._open(task, (lease.reviewer, now + LEASE), first=False)
        else:
            task.skipped.add(lease.reviewer)
            task.skips += 1
            self.answered_at[lease.reviewer] = now
            if to == "adjudicator":
                self._dispute(task)
            elif not task.votes and task.skips >= MAX_OVERLAP and task.expires_at is not None:
                self._open(task)
            elif not task.votes and task.skips >= MAX_OVERLAP:
                self._resolve(task, None, "human", task.skips)
            else:
                self._settle(task, now)
        self._end(lease, "skip", to)

    def release(self, lease: Lease) -> None:
        # For all at once, and before all others.
        self._open(lease.task, (lease.reviewer, self.epoch))
        self._end(lease, "release", None)

    def renew(self, lease: Lease, now: datetime) -> None:
        lease.expires_at = lease.task.available_at = now + LEASE

    def may_undo(self, lease: Lease) -> bool:
        task = lease.task
        answered = lease.reviewer in task.votes or lease.reviewer in task.skipped
        given = lease.ending == "verdict" or (lease.ending == "skip" and lease.body != "me")
        return given and answered and task.revision == lease.revision_after

    def undo(self, lease: Lease, now: datetime) -> None:
        task = lease.task
        task.votes.pop(lease.reviewer, None)
        if lease.reviewer in task.skipped:
            task.skipped.discard(lease.reviewer)
            task.skips -= 1
        if task.state == "resolved":
            self._reopen(task, (lease.reviewer, now + LEASE), now)
        elif task.state == "open":
            self._open(task, (lease.reviewer, now + LEASE))
        self._end(lease, "undo", None)

    def reopen(self, task: Task, now: datetime) -> None:
        task.votes.clear()
        task.skipped.clear()
        task.skips = 0
        self._reopen(task, None, now)

    def adjudicate(self, task: Task, label: str) -> None:
        if task.lease is not None and task.lease.ending is None:
            task.lease.ending = "superseded"
        self._resolve(task, label, "adjudicator", len(task.votes))

    def _end(self, lease: Lease, ending: str, body: object) -> None:
        lease.ending, lease.body, lease.revision_after = ending, body, lease.task.revision

    def _settle(self, task: Task, now: datetime) -> None:
        others = {
            reviewer
            for reviewer, at in self.answered_at.items()
            if at >= now - LATELY
            and reviewer not in task.votes.keys() | task.skipped
            and self.covers(reviewer, task)
        }
        asked = len(task.votes) + task.skips
        step = next_step(
            task.votes.items(),
            overlap=OVERLAP,
            max_overlap=MAX_OVERLAP,
            may_ask=task.skips < MAX_OVERLAP and (asked < MAX_OVERLAP or bool(others)),
        )
        if isinstance(step, Resolved):
            self._resolve(task, step.label, step.source, len(task.votes))
        elif isinstance(step, AskOneMore):
            self._open(task)
        else:
            self._dispute(task)

    def _open(
        self, task: Task, reserve: tuple[str, datetime] | None = None, *, first: bool = True
    ) -> None:
        task.state, task.adjudication = "open", False
        task.reserved_for, task.available_at = reserve or (None, self.epoch)
        task.turn = RESERVED_TURN if reserve and first else task.ordinary_turn

    def _dispute(self, task: Task) -> None:
        self._open(task)
        task.adjudication = True

    def _resolve(self, task: Task, label: str | None, source: str, verdicts: int) -> None:
        task.state, task.adjudication, task.reserved_for = "resolved", False, None
        task.label, task.source = label, source
        task.revision += 1
        self.outcomes.append((task.item_id, task.revision, label, source, verdicts))

    def _reopen(self, task: Task, reserve: tuple[str, datetime] | None, now: datetime) -> None:
        if task.expires_at is not None and task.expires_at <= now:
            task.expires_at = None
        self._open(task, reserve)
        task.label = task.source = None
        task.revision += 1
        self.outcomes.append((task.item_id, task.revision, None, "human", 0))
