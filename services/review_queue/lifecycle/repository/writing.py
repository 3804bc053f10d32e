"""The one writer of changes to tasks: all that belongs to them, many at once."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any

from services.review_queue.lifecycle.lanes import group_of
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Lease, Outcome, Task
from services.review_queue.repository.pipelining import Statement, run
from services.review_queue.repository.row_batches import Part, RowBatch
from services.review_queue.repository.statements import insert_new
from services.review_queue.tables import (
    EventRow,
    LeaseRow,
    OutboxRow,
    OutcomeRow,
    TaskRow,
    VerdictRow,
)
from shared import outbox
from shared.contracts.base import new_id
from shared.db import Session
from shared.doorbells import outcomes_bell, tasks_bell

_PREDICTION = "(SELECT prediction FROM tasks WHERE tasks.task_id = given.task_id)"
EVENT_PART = Part(EventRow, ("task_id", "kind", "actor", "at", "detail"))
_WITHDRAWALS = RowBatch(Part(VerdictRow, ("withdrawn_at",), key="verdict_id"))
_VERDICT = (
    *("project", "task_id", "reviewer", "recorded_by", "token", "skipped", "label", "comment"),
    *("active_seconds", "blind", "instructions_revision", "given_at", "withdrawn_at"),
)
# What a change writes of a `Task`, a `Lease` and an `Outcome`. Not `created_at`: SQLite writes the
# entry of an index anew for each column that is named, changed or not.
_TASK = (
    *("lane", "adjudication", "state", "turn", "available_at", "reserved_for", "holder"),
    *("due_at", "skips", "revision", "label", "source", "resolved_at", "second_opinion"),
)
_LEASE = (
    *("expires_at", "ending", "body_digest", "state_after", "revision_after"),
    "outcome_revision",
)
_OUTCOME = tuple(one.name for one in fields(Outcome))
_CHANGES = RowBatch(
    Part(VerdictRow, _VERDICT),
    Part(
        OutcomeRow,
        ("project", "lane", "source", *_OUTCOME),
        computed=(("prediction", _PREDICTION),),
    ),
    EVENT_PART,
    Part(OutboxRow, ("event_id", "bell", "created_at")),
    Part(LeaseRow, ("ended_at", *_LEASE), key="token"),
    Part(TaskRow, ("lane_group", *_TASK), key="task_id"),
)
_EVENTS = RowBatch(EVENT_PART)
_CREATION = RowBatch(Part(TaskRow, ("created_at",), key="task_id"))
# What a task is asked for again with; what is not given stays.
_ASKED_AGAIN = RowBatch(
    Part(
        TaskRow,
        ("prediction", "trace"),
        key="task_id",
        computed=(
            ("prediction", "coalesce(given.prediction, tasks.prediction)"),
            ("trace", "coalesce(given.trace, tasks.trace)"),
        ),
    )
)
_BELLS = {"outcomes": outcomes_bell, "tasks": tasks_bell}


def written(session: Session, changes: Sequence[Change]) -> list[Statement]:
    """Return the statements that write `changes`, which are of different tasks."""
    withdrawn = [
        {"verdict_id": verdict_id, "withdrawn_at": change.now}
        for change in changes
        for verdict_id in change.withdrawn
    ]
    rows: dict[str, list[dict[str, Any]]] = {
        "verdicts": [
            {**verdict, "project": change.task.project}
            for change in changes
            for verdict in change.verdicts
        ],
        "outcomes": [_outcome(change.task, change.outcome) for change in changes if change.outcome],
        "task_events": [event for change in changes for event in change.events],
        "outbox": _bells(changes),
        "leases": [_lease(lease, change) for change in changes for lease in change.leases],
        "tasks": [_task(change.task) for change in changes],
    }
    return [*_WITHDRAWALS.of(session, verdicts=withdrawn), *_CHANGES.of(session, **rows)]


async def write(session: Session, changes: Sequence[Change]) -> None:
    """Write `changes`, which are of different tasks."""
    await run(session, written(session, changes))


async def write_creation(session: Session, tasks: Sequence[Task]) -> None:
    """Write the `created_at` of tasks that are older than their rows, which no change writes."""
    rows = [{"task_id": one.task_id, "created_at": one.created_at} for one in tasks]
    await run(session, _CREATION.of(session, tasks=rows))


async def add_new(session: Session, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Insert the tasks that are not there yet; return their ids."""
    return await insert_new(session, TaskRow, "task_id", rows)


async def add_events(session: Session, events: Sequence[dict[str, Any]]) -> None:
    """Add entries to timelines; each has `task_id`, `kind`, `actor`, `at` and `detail`."""
    await run(session, _EVENTS.of(session, task_events=events))


async def ask_again(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Give tasks the `prediction` and the `trace` that they are asked for again with, if any."""
    await run(session, _ASKED_AGAIN.of(session, tasks=rows))


def ring_for_tasks(session: Session, project: str) -> None:
    """Say, once this is committed, that a project has tasks to claim."""
    outbox.add(session, OutboxRow, tasks_bell(project))


def _bells(changes: Sequence[Change]) -> list[dict[str, Any]]:
    rung = {_BELLS[bell](one.task.project): one.now for one in changes for bell in one.bells}
    return [{"event_id": new_id(), "bell": bell, "created_at": now} for bell, now in rung.items()]


def _outcome(task: Task, outcome: Outcome) -> dict[str, Any]:
    source = task.source or "human"
    return _values(outcome, _OUTCOME, project=task.project, lane=task.lane, source=source)


def _lease(lease: Lease, change: Change) -> dict[str, Any]:
    ended_at = None if lease.ending is None else change.now
    return _values(lease, _LEASE, token=lease.token, ended_at=ended_at)


def _task(task: Task) -> dict[str, Any]:
    return _values(task, _TASK, task_id=task.task_id, lane_group=group_of(task.lane, task.due_at))


def _values(of: object, names: tuple[str, ...], /, **others: Any) -> dict[str, Any]:
    return dict(zip(names, _getter(names)(of), strict=True)) | others


@cache
def _getter(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    return attrgetter(*names)
