"""A task and what has happened to it, as decisions see them (pure)."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from services.review_queue.lifecycle.lanes import DRAWN_LANES, group_of, lane_after
from services.review_queue.lifecycle.messages import EventKind
from shared.contracts.projects import Project
from shared.contracts.tasks import REVIEWED_SOURCES, Lane, OutcomeSource, TaskState


@dataclass(slots=True)
class Task:
    """What decisions need of a task.

    `confidence` is that of its prediction. `second_opinion`: more than one reviewer is asked, or
    was, because the first one's answer was doubted.
    """

    task_id: str
    project: str
    item_id: str
    data_digest: str
    lane: Lane
    state: TaskState
    available_at: datetime
    lease_number: int
    created_at: datetime
    skips: int
    revision: int
    adjudication: bool = False
    second_opinion: bool = False
    turn: int | None = None
    reserved_for: str | None = None
    holder: str | None = None
    due_at: datetime | None = None
    label: str | None = None
    source: OutcomeSource | None = None
    resolved_at: datetime | None = None
    trace: str | None = None
    erased_at: datetime | None = None
    confidence: float | None = None


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


class Ground(NamedTuple):
    """What a label rests on: how many verdicts, whether all were blind, which instructions."""

    verdicts: int
    blind: bool
    instructions_revision: int


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

    def ground(self, revision: int) -> Ground:
        """Return what a revision of the outcome rests on; nothing before the first."""
        outcome = self.outcomes.get(revision)
        if outcome is None:
            return Ground(0, True, 1)
        return Ground(outcome.verdicts, outcome.blind, outcome.instructions_revision)

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


_ANSWER = tuple(one.name for one in fields(Answer))
_ANSWERED = attrgetter(*_ANSWER)


def verdict_row(answer: Answer, at: datetime, recorded_by: str, **said: Any) -> dict[str, Any]:
    """Return an answer as it is written; `said` are its `comment` and `active_seconds`."""
    row: dict[str, Any] = dict(zip(_ANSWER, _ANSWERED(answer), strict=True))
    return row | {"skipped": answer.skipped, "recorded_by": recorded_by, "given_at": at} | said


def state_of(task: Any, now: datetime) -> str:
    """Return open, leased, resolved or erased of a `Task` or a row of the table.

    A lease that has expired holds nothing.
    """
    if task.erased_at is not None:
        return "erased"
    expired = task.state == "leased" and task.available_at <= now
    return "open" if expired else task.state


def may_expire(task: Task) -> bool:
    """Say whether the task closes by itself once it is past its due date."""
    return group_of(task.lane, task.due_at) == "optional"


def is_reviewed(task: Task) -> bool:
    """Say whether the outcome of a resolved task is what people answered."""
    return task.source in REVIEWED_SOURCES


def is_wanted_again(task: Task, lane: Lane, due_at: datetime | None, now: datetime) -> bool:
    """Say whether a call for `lane` opens a task that ended without people's answer.

    Not if the same call comes once more; and where the model's answer was good enough, no optional
    review is asked for again.
    """
    if is_reviewed(task):
        return False
    if lane != "optional":
        return True
    return task.source == "expiry" and (due_at is None or due_at > now)


def may_change(task: Task, lane: Lane, project: Project) -> bool:
    """Say whether a call for `lane` may change the task, which is then to be locked.

    It changes a resolved task by opening it again, and any other by its lane, its due date, or an
    entry in its timeline (`is_needed_too`). Its state may be out of date as long as no lock is held
    on it: the lane counts, whether it is leased or not.
    """
    if task.state == "resolved":
        return lane == "relabel" or not is_reviewed(task) or label_is_gone(task, project)
    is_drawn = task.lane in DRAWN_LANES and lane != task.lane
    return is_drawn or may_expire(task) or lane_after(task.lane, lane) != task.lane


def label_is_gone(task: Task, project: Project) -> bool:
    """Say whether the task has a label that the project no longer has."""
    return task.label is not None and task.label not in project.labels
