"""A task and what has happened to it, as decisions see them (pure)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from services.review_queue.lifecycle.messages import EventKind
from shared.contracts.projects import Project
from shared.contracts.tasks import Lane, OutcomeSource, TaskState


@dataclass(slots=True)
class Task:
    """What decisions need of a task; `confidence` is that of its prediction."""

    task_id: str
    project: str
    item_id: str
    data_digest: str
    lane: Lane
    adjudication: bool
    state: TaskState
    turn: int | None
    available_at: datetime
    reserved_for: str | None
    holder: str | None
    lease_number: int
    due_at: datetime | None
    created_at: datetime
    skips: int
    revision: int
    label: str | None
    source: OutcomeSource | None
    resolved_at: datetime | None
    trace: str | None
    erased_at: datetime | None
    confidence: float | None


@dataclass(slots=True)
class Lease:
    """A reviewer's claim on a task. What follows `ending` is the answer that its use got."""

    token: str
    task_id: str
    number: int
    reviewer: str
    expires_at: datetime
    suggestion_shown: bool
    instructions_revision: int
    ending: str | None = None
    body_digest: str | None = None
    state_after: TaskState | None = None
    revision_after: int | None = None
    outcome_revision: int | None = None


@dataclass(slots=True)
class Answer:
    """A reviewer's verdict, or skip (`label` is None), that may have been withdrawn."""

    verdict_id: int | None
    task_id: str
    reviewer: str
    label: str | None
    blind: bool
    token: str | None
    instructions_revision: int | None = None
    withdrawn_at: datetime | None = None

    @property
    def skipped(self) -> bool:
        """Whether it is a skip."""
        return self.label is None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A revision of a task's outcome, and what it rests on."""

    task_id: str
    revision: int
    label: str | None
    verdicts: int
    blind: bool
    instructions_revision: int
    resolved_at: datetime


@dataclass
class History:
    """All leases, answers and outcomes of a task, in their order.

    `others_answer`: reviewers who have not answered the task have answered others lately.
    """

    leases: list[Lease] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    others_answer: bool = True
    is_gold: bool = False

    @property
    def standing(self) -> list[Answer]:
        """The answers that are not withdrawn."""
        return [one for one in self.answers if one.withdrawn_at is None]

    def taken_back(self, reviewer: str | None = None) -> bool:
        """Say whether a reviewer, this one or any, took a label back.

        The state of the task had told that reviewer whether others agree.
        """
        undone = {one.token for one in self.leases if one.ending == "undo"}
        return any(
            one.token in undone and not one.skipped and reviewer in (None, one.reviewer)
            for one in self.answers
        )

    def has_seen(self, reviewer: str) -> bool:
        """Say whether a lease showed the reviewer a suggestion, an outcome or others' opinion."""
        shown = any(
            one.reviewer == reviewer and (one.suggestion_shown or one.outcome_revision is not None)
            for one in self.leases
        )
        return shown or self.taken_back(reviewer)


class Ground(NamedTuple):
    """What a label rests on: how many reviewers, whether all were blind, what the last had read."""

    verdicts: int
    blind: bool
    instructions_revision: int


def timeline_entry(
    task_id: str,
    kind: EventKind,
    actor: str | None,
    at: datetime,
    detail: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an entry of a task's timeline as it is written."""
    entry = {"task_id": task_id, "kind": kind, "actor": actor, "at": at}
    return entry | {"detail": detail or {}}


class HasState(Protocol):
    """A task, as a row or as `Task`."""

    @property
    def state(self) -> str: ...  # noqa: D102 - the column of this name
    @property
    def available_at(self) -> datetime: ...  # noqa: D102 - likewise
    @property
    def erased_at(self) -> datetime | None: ...  # noqa: D102 - likewise


def state_of(task: HasState, now: datetime) -> str:
    """Return open, leased, resolved or erased: a lease that has expired holds nothing."""
    if task.erased_at is not None:
        return "erased"
    expired = task.state == "leased" and task.available_at <= now
    return "open" if expired else task.state


def may_expire(task: Task) -> bool:
    """Say whether the task closes by itself once it is past its due date."""
    return task.lane == "optional" and task.due_at is not None


def label_is_gone(task: Task, project: Project) -> bool:
    """Say whether the task's label is none of the project's any more."""
    return task.label is not None and task.label not in project.labels
