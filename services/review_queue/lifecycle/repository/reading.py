"""Tasks, locked for a decision, and all that has happened to them."""

from collections.abc import Collection, Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Float, Integer
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel, col, select

from services.review_queue.lifecycle.repository.covering import covers
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.settlement import may_run_out
from services.review_queue.lifecycle.states import Answer, History, Lease, Outcome, Task
from services.review_queue.repository.pipelining import Query, Statement, run
from services.review_queue.tables import (
    EVENTS,
    TASKS,
    LeaseRow,
    OutcomeRow,
    TaskRow,
    VerdictRow,
    table_of,
)
from shared.contracts.projects import Project
from shared.contracts.tasks import Lane, NewTask
from shared.db import Session

Columns = dict[str, TypeEngine[Any]]


def _columns(model: type[SQLModel], shape: type[Any], **renamed: str) -> Columns:
    """Return the columns that the fields of the dataclass `shape` name, in their order.

    Each is called as its field, or as `renamed` says.
    """
    table = table_of(model)
    names = {one.name: renamed.get(one.name, one.name) for one in fields(shape)}
    return {
        f"{table.name}.{name} AS {alias}": table.c[name].type
        for name, alias in names.items()
        if name in table.c
    }


# `confidence` is the last field of `Task`.
_TASK = _columns(TaskRow, Task) | {
    "CAST(tasks.prediction ->> 'confidence' AS double precision) AS confidence": Float()
}
_LEASE = _columns(LeaseRow, Lease, task_id="leased")


def _query(sql: str, *columns: Columns) -> Query:
    """Return a query of these groups of columns; `sql` begins with its FROM."""
    named = {name: kind for group in columns for name, kind in group.items()}
    kinds = {name.split(" AS ")[-1]: kind for name, kind in named.items()}
    return Query(f"SELECT {', '.join(named)} {sql}", kinds)


_PRESENTED = _query(
    """
FROM leases
JOIN tasks ON tasks.task_id = leases.task_id
JOIN projects ON projects.name = tasks.project
WHERE leases.token {among:tokens} ORDER BY leases.task_id{lock}""",
    _TASK,
    _LEASE,
    {"projects.revision AS project_revision": Integer()},
)
_OVERDUE = _query(
    """
FROM leases JOIN tasks ON tasks.task_id = leases.task_id
WHERE leases.ended_at IS NULL AND leases.expires_at <= :now
AND tasks.state = 'leased' AND tasks.available_at <= :now LIMIT :count{lock}""",
    _TASK,
    _LEASE,
)
# The task is locked before its lease, as everywhere: the two orders would wait in a circle.
_LOCKED = " FOR UPDATE OF tasks, leases"
# Optional, past their due date, and held or kept for no reviewer. Lane written out, not bound: only
# so can SQLite tell that the index holds all of them.
_PAST_DUE = _query(
    """
FROM tasks WHERE lane = 'optional' AND turn IS NOT NULL
AND due_at <= :now AND available_at <= :now ORDER BY due_at LIMIT :count{lock}""",
    _TASK,
)
_OF_TASKS = "WHERE task_id {among:tasks} ORDER BY"
_TASKS = _query(f"FROM tasks {_OF_TASKS} task_id{{lock}}", _TASK)
_PREDICTIONS = _query(
    f"FROM tasks {_OF_TASKS} task_id",
    {name: TASKS.c[name].type for name in ("task_id", "prediction")},
)
_ASKED = _query(
    """
FROM task_events WHERE task_id {among:tasks}
AND kind IN ('created', 'moved', 'asked', 'reopened') ORDER BY event_id""",
    {name: EVENTS.c[name].type for name in ("task_id", "kind", "detail")},
)
_HISTORIES = (
    _query(f"FROM leases {_OF_TASKS} number", _LEASE),
    _query(f"FROM verdicts {_OF_TASKS} verdict_id", _columns(VerdictRow, Answer)),
    _query(f"FROM outcomes {_OF_TASKS} revision", _columns(OutcomeRow, Outcome)),
)


def presented(session: Session, tokens: list[str], *, waits: bool) -> Statement:
    """Lock the leases of these tokens and their tasks; unless it `waits`, only those that are free.

    Each row is a task, its lease and the project's revision: see `task_and_lease`.
    """
    lock = _LOCKED if waits else f"{_LOCKED} SKIP LOCKED"
    return _PRESENTED.of(session, lock=lock, tokens=tokens)


def task_and_lease(row: Any) -> tuple[Task, Lease]:
    """Return what a row of `presented` holds."""
    end = len(_TASK)
    return Task(*row[:end]), Lease(*row[end : end + len(_LEASE)])


async def lock_overdue(session: Session, now: datetime, count: int) -> Iterator[tuple[Task, Lease]]:
    """Lock leased tasks whose lease has expired, with their leases; pass over what is locked."""
    overdue = _OVERDUE.of(session, lock=f"{_LOCKED} SKIP LOCKED", now=now, count=count)
    (rows,) = await run(session, [overdue])
    return map(task_and_lease, rows)


async def anything_overdue(session: Session, now: datetime) -> bool:
    """Say whether a lease has expired without an end."""
    statement = select(col(LeaseRow.token)).where(
        col(LeaseRow.ended_at).is_(None), col(LeaseRow.expires_at) <= now
    )
    return (await session.execute(statement.limit(1))).first() is not None


async def past_due(session: Session, now: datetime, count: int, *, lock: bool) -> list[Task]:
    """Return optional tasks that may close by themselves; with `lock` only those that are free."""
    locked = " FOR UPDATE SKIP LOCKED" if lock else ""
    asked = _PAST_DUE.of(session, lock=locked, now=now, count=count)
    (rows,) = await run(session, [asked])
    return [Task(*row) for row in rows]


async def predictions(
    session: Session, task_ids: Collection[str]
) -> dict[str, dict[str, Any] | None]:
    """Return what the router knew of the items of these tasks, as it is stored, by task."""
    (rows,) = await run(session, [_PREDICTIONS.of(session, tasks=list(task_ids))])
    return {row.task_id: row.prediction for row in rows}


async def tasks(session: Session, task_ids: Collection[str], *, lock: bool) -> dict[str, Task]:
    """Return these tasks by id; with `lock` kept from other writers until the transaction ends."""
    locked = " FOR UPDATE" if lock else ""
    asked = _TASKS.of(session, lock=locked, tasks=list(task_ids))
    (rows,) = await run(session, [asked])
    return {row.task_id: Task(*row) for row in rows}


async def relabels(session: Session, task: Task, wanted: NewTask) -> bool:
    """Say whether a call asks to label a resolved task anew.

    A call that is repeated, by the same prediction, does not: what it asked for was answered.
    """
    if wanted.lane != "relabel" or task.lane != "relabel" or wanted.prediction is None:
        return wanted.lane == "relabel"
    query = select(col(TaskRow.prediction)).where(col(TaskRow.task_id) == task.task_id)
    before = (await session.execute(query)).scalar_one()
    return bool(before != wanted.prediction.model_dump(mode="json"))


async def lanes_asked(session: Session, task_ids: Collection[str]) -> dict[str, list[Lane]]:
    """Return by task the lanes in which it was asked for since it was last opened.

    An operator's reopening names no lane: it stands for `relabel`.
    """
    found: dict[str, list[Lane]] = {task_id: [] for task_id in task_ids}
    (rows,) = await run(session, [_ASKED.of(session, tasks=list(found))])
    for row in rows:
        if row.kind == "reopened":
            found[row.task_id].clear()
        found[row.task_id].append(row.detail.get("to") or row.detail.get("lane") or "relabel")
    return found


async def histories(session: Session, task_ids: Collection[str]) -> dict[str, History]:
    """Return the leases, answers and outcomes of tasks, each of which has an entry."""
    found: dict[str, History] = {task_id: History() for task_id in task_ids}
    if not found:
        return found
    asked = [query.of(session, tasks=list(found)) for query in _HISTORIES]
    leases, answers, outcomes = await run(session, asked)
    for lease in (Lease(*row) for row in leases):
        found[lease.task_id].leases.append(lease)
    for answer in (Answer(*row) for row in answers):
        found[answer.task_id].answers.append(answer)
    for outcome in (Outcome(*row) for row in outcomes):
        found[outcome.task_id].outcomes[outcome.revision] = outcome
    return found


# Answers of all projects that are looked through for reviewers of one, and how old they may be: a
# reviewer who has answered since then is expected to answer again.
_LATELY_READ = 1_000
_LATELY = timedelta(days=7)


async def look_for_others(
    session: Session, change: Change, project: Project, history: History, reviewer: str
) -> None:
    """Let `history` say whether reviewers are left who could answer besides `reviewer`."""
    if may_run_out(change.task, project, history):
        history.others_answer = await others_answer(session, change, project, history, reviewer)


async def others_answer(
    session: Session, change: Change, project: Project, history: History, reviewer: str
) -> bool:
    """Say whether others than `reviewer` have answered lately, and may answer the task."""
    newest = (
        select(col(VerdictRow.task_id), col(VerdictRow.reviewer))
        .where(col(VerdictRow.given_at) >= change.now - _LATELY)
        .order_by(col(VerdictRow.verdict_id).desc())
        .limit(_LATELY_READ)
        .subquery()
    )
    # A reviewer whose label is no longer the project's may be asked again.
    have = [one.reviewer for one in history.standing if one.skipped or one.label in project.labels]
    asked = TASKS.alias("asked")
    statement = (
        select(newest.c.reviewer)
        .join(TaskRow, col(TaskRow.task_id) == newest.c.task_id)
        .join(asked, asked.c.task_id == change.task.task_id)
        .where(
            col(TaskRow.project) == project.project,
            newest.c.reviewer.not_in([*have, reviewer]),
            covers(newest.c.reviewer, asked),
        )
    )
    return (await session.execute(statement.limit(1))).first() is not None
