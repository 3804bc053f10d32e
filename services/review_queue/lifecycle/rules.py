"""What may become of a task, and what that changes (pure).

Every action on a task is a `Change`: the task as it is from now on, and what is written beside it.
Each rule of the lifecycle stands here once: what resolved, open, reserved and disputed mean, when
an answer settles a task, and which answers count.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from services.review_queue.consensus.overlap import AskOneMore, NextStep, Resolved, next_step
from services.review_queue.consensus.reliability import Reliability
from services.review_queue.lifecycle.lanes import (
    AVAILABLE_AT_ONCE,
    RESERVED_TURN,
    saving_of,
    turn_of,
)
from services.review_queue.lifecycle.messages import EventKind
from services.review_queue.lifecycle.states import (
    Answer,
    Ground,
    History,
    Lease,
    Outcome,
    Task,
    may_expire,
    timeline_entry,
)
from shared.contracts.projects import Project
from shared.contracts.tasks import Lane, OutcomeSource

# What is rung once a change is committed: there is an outcome, or a task to claim.
Bell = Literal["outcomes", "tasks"]


@dataclass
class Change:
    """What an action makes of a task: `task` as it is from now on, and the rows to write."""

    task: Task
    now: datetime
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)
    outcome: Outcome | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    bells: set[Bell] = field(default_factory=set)

    def tell(
        self,
        kind: EventKind,
        actor: str | None = None,
        detail: dict[str, Any] | None = None,
        *,
        at: datetime | None = None,
    ) -> None:
        """Add an entry to the task's timeline."""
        at = at or self.now
        self.events.append(timeline_entry(self.task.task_id, kind, actor, at, detail))

    def withdraw(self, answer: Answer) -> None:
        """Let an answer count no longer."""
        answer.withdrawn_at = self.now
        if answer.verdict_id is not None:
            self.withdrawn.append(answer.verdict_id)

    def end_lease(self, lease: Lease, ending: str, digest: str | None = None) -> None:
        """End a lease; with a `digest` of the call, keep what it is answered for a repetition."""
        lease.ending = ending
        if digest is not None:
            lease.body_digest, lease.state_after = digest, self.task.state
            lease.revision_after = self.task.revision
            lease.outcome_revision = None if self.outcome is None else self.outcome.revision
        self.leases.append(lease)

    def supersede(self, leases: Iterable[Lease]) -> None:
        """End the lease that nothing has ended: what follows does not wait for its verdict."""
        for lease in leases:
            if lease.ending is None:
                expired = lease.expires_at <= self.now
                self.end_lease(lease, "expiry" if expired else "superseded")
                at = lease.expires_at if expired else self.now
                self.tell("expired" if expired else "superseded", lease.reviewer, at=at)

    def renew(self, lease: Lease, until: datetime) -> None:
        """Let a lease last until a later moment."""
        lease.expires_at = self.task.available_at = until
        self.leases.append(lease)

    def expire(self, lease: Lease) -> None:
        """Open a task whose lease has expired: it could be claimed already."""
        self.task.state, self.task.holder = "open", None
        self.supersede([lease])
        self.bells.add("tasks")

    def resolve(
        self,
        label: str | None,
        ground: Ground,
        source: OutcomeSource = "human",
        *,
        at: datetime | None = None,
        revision: int | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Close the task with `label`; None when no reviewer could answer, or need not."""
        task = self.task
        self._close()
        task.label, task.source, task.resolved_at = label, source, at or self.now
        self._revise(ground, at=at, revision=revision)
        told = {"label": label, "revision": task.revision, **(detail or {})}
        self.tell("resolved", None, told, at=at)

    def reopen(
        self,
        history: History,
        *,
        lane: Lane | None = None,
        reserve: tuple[str, datetime] | None = None,
    ) -> None:
        """Open a resolved task again, in `lane` or the one it had; its label counts no longer.

        `reserve` (reviewer, until) keeps it for the reviewer, and at the head of the queue.
        """
        task = self.task
        if may_expire(task) and task.due_at is not None and task.due_at <= self.now:
            # What is wanted after all does not expire once more.
            task.due_at = None
        read = history.ground(task.revision).instructions_revision
        task.lane = lane or task.lane
        task.label = task.source = task.resolved_at = None
        self.open_again(reserve)
        self._revise(Ground(0, True, read))

    def close_erased(self, history: History) -> None:
        """Close a task whose content has been erased, by a revision that says so.

        The label stays, and what it rests on: they count where the content is not needed.
        """
        self._close()
        self._revise(history.ground(self.task.revision))

    def open_again(
        self, reserve: tuple[str, datetime] | None = None, *, first: bool = True
    ) -> None:
        """Put the task back into the queue, for all or for the reviewer it is reserved for.

        What is reserved is at the head of the queue; where it is not to be the reviewer's `first`,
        it keeps its turn, and the claim gives it to the reviewer behind all others.
        """
        task = self.task
        task.state, task.adjudication, task.holder = "open", False, None
        task.reserved_for, task.available_at = reserve or (None, AVAILABLE_AT_ONCE)
        head = reserve is not None and first
        task.turn = RESERVED_TURN if head else own_turn(task)
        self.bells.add("tasks")

    def leave_to_adjudicator(self) -> None:
        """Keep the task from reviewers: an operator is to say what its label is."""
        self.dispute()
        self.tell("disputed")

    def dispute(self) -> None:
        """Let the task wait for an adjudicator, without an entry of its own in the timeline."""
        task = self.task
        task.state, task.adjudication, task.holder = "open", True, None
        task.turn = task.reserved_for = None
        task.available_at = AVAILABLE_AT_ONCE

    def _close(self) -> None:
        task = self.task
        task.state, task.adjudication = "resolved", False
        task.turn = task.holder = task.reserved_for = None

    def _revise(
        self, ground: Ground, *, at: datetime | None = None, revision: int | None = None
    ) -> None:
        task = self.task
        task.revision = task.revision + 1 if revision is None else revision
        self.outcome = Outcome(
            task.task_id, task.revision, task.label, *ground, resolved_at=at or self.now
        )
        self.bells.add("outcomes")


def own_turn(task: Task) -> int:
    """Return where an open task stands among those of its group."""
    return turn_of(task.lane, task.due_at, task.created_at, saving_of(task.confidence))


def votes_that_count(change: Change, project: Project, history: History) -> list[Answer]:
    """Return the task's votes; those for a label that the project has no more are withdrawn.

    They would make a label that cannot be given now. Their reviewers may be asked again.
    """
    counted = []
    for vote in history.standing:
        if vote.label in project.labels:
            counted.append(vote)
        elif not vote.skipped:
            change.withdraw(vote)
            change.tell("undone", None, {"reviewer": vote.reviewer, "label": vote.label})
    return counted


def ground_of(votes: Sequence[Answer], history: History, instructions_revision: int) -> Ground:
    """Return what a label rests on that these votes make.

    It is not blind once any reviewer has taken a label back: the remaining votes may agree only
    because that opinion is missing.
    """
    blind = all(vote.blind for vote in votes) and not history.taken_back()
    return Ground(len(votes), blind, instructions_revision)


def may_run_out(task: Task, project: Project, history: History) -> bool:
    """Say whether after one more answer it may matter if other reviewers are left to be asked."""
    votes = sum(not one.skipped for one in history.standing)
    return votes + task.skips + 1 >= project.review.max_overlap > 1


@dataclass(frozen=True)
class Settlement:
    """Decides what a task becomes once a reviewer has answered it, who had `read` instructions.

    `record` adds the answer itself to the change.
    """

    change: Change
    project: Project
    history: History
    read: int
    known: Reliability | None
    record: Callable[[], Answer]

    def by_verdict(self) -> None:
        """Resolve the task, ask one more, or leave it to an adjudicator, as consensus says."""
        if self.project.review.overlap == 1:
            # One opinion is enough: what others said before it does not matter.
            answer = self.record()
            self.change.resolve(answer.label, Ground(1, answer.blind, self.read))
            return
        votes = votes_that_count(self.change, self.project, self.history)
        self._settle([*votes, self.record()])

    def by_skip(self) -> None:
        """Ask another reviewer, until `max_overlap` of them have skipped the task.

        Then the labels that were given decide, or an adjudicator; without any, the task has none.
        """
        votes = votes_that_count(self.change, self.project, self.history)
        answer = self.record()
        self.change.task.skips += 1
        if votes or not self._has_enough_skips:
            self._settle(votes)
            return
        if may_expire(self.change.task):
            # Reviewers need not answer it: it gets its outcome when its time is over.
            self.change.open_again()
            return
        blind = answer.blind and all(one.blind for one in self.history.standing if one.skipped)
        self.change.resolve(None, Ground(self.change.task.skips, blind, self.read))

    @property
    def _has_enough_skips(self) -> bool:
        # Skips and votes have a bound each: a skip takes no opinion from the task.
        return self.change.task.skips >= self.project.review.max_overlap

    def _is_anybody_left(self, votes: Sequence[Answer]) -> bool:
        """Whether one more may be asked: with skips, it may be more people than there are."""
        if self._has_enough_skips:
            return False
        asked = len(votes) + self.change.task.skips
        return asked < self.project.review.max_overlap or self.history.others_answer

    def _settle(self, votes: Sequence[Answer]) -> None:
        step = self._step(votes, may_ask=True)
        if isinstance(step, AskOneMore) and not self._is_anybody_left(votes):
            step = self._step(votes, may_ask=False)
        if isinstance(step, Resolved):
            ground = ground_of(votes, self.history, self.read)
            self.change.resolve(step.label, ground, step.source)
        elif isinstance(step, AskOneMore):
            self.change.open_again()
        else:
            self.change.leave_to_adjudicator()

    def _step(self, votes: Sequence[Answer], *, may_ask: bool) -> NextStep:
        review = self.project.review
        return next_step(
            [(vote.reviewer, str(vote.label)) for vote in votes],
            overlap=review.overlap,
            max_overlap=review.max_overlap,
            may_ask=may_ask,
            known=self.known,
            sure=review.sure,
        )
