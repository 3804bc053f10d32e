"""What may become of a task, and what that changes (pure).

Every action on a task is a `Change`: the task as it is from now on, and what is written beside it.
Each rule of the lifecycle stands here once: what resolved, open, reserved and disputed mean.
`settlement` says when an answer settles a task, and which answers count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from services.review_queue.lifecycle import lanes
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
        task.second_opinion = False
        self.open_again(reserve)
        self._revise(Ground(0, True, read))

    def move(self, lane: Lane, actor: str | None) -> None:
        """Move an open task to a lane; its due date and confidence are those of that lane."""
        task = self.task
        left, task.lane = task.lane, lane
        # Without a turn it waits for an adjudicator, and goes on to.
        if task.turn is not None and task.turn != lanes.RESERVED_TURN:
            task.turn = own_turn(task)
        self.bells.add("tasks")
        self.tell("moved", actor, {"from": left, "to": lane})

    def ask_second_opinion(self, lane: Lane) -> None:
        """Let another reviewer answer a task that one reviewer has resolved, by a blind lane.

        The first answer stands, and so does its outcome until the next one: no revision says that
        the task is open, so that the first reviewer learns of nothing.
        """
        task = self.task
        task.lane = lanes.lane_after(task.lane, lane)
        task.label = task.source = task.resolved_at = None
        task.second_opinion = True
        self.open_again()

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
        task.reserved_for, task.available_at = reserve or (None, lanes.AVAILABLE_AT_ONCE)
        head = reserve is not None and first
        task.turn = lanes.RESERVED_TURN if head else own_turn(task)
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
        task.available_at = lanes.AVAILABLE_AT_ONCE

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
    return lanes.turn_of(task.lane, task.due_at, task.created_at, lanes.saving_of(task.confidence))
