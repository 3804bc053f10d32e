"""Tasks, locked for a decision, and all that has happened to them."""

import re
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, Integer, Text, TextualSelect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine
from sqlmodel import col, select

from services.review_queue.lifecycle.rules import Change, may_run_out
from services.review_queue.lifecycle.states import Answer, History, Lease, Outcome, Task
from services.review_queue.repository.pipelining import Statement, run
from services.review_queue.repository.statements import listed, spelt, typed
from services.review_queue.tables import LeaseRow, TaskRow, VerdictRow
from shared.contracts.projects import Project
from shared.db import UtcDateTime

Columns = dict[str, TypeEngine[Any]]

# In the order of the fields of `Task`, `Lease`, `Answer` and `Outcome`.
_TASK: Columns = {
    "tasks.task_id": Text(),
    "tasks.project": Text(),
    "tasks.item_id": Text(),
    "tasks.data_digest": Text(),
    "tasks.lane": Text(),
    "tasks.adjudication": Boolean(),
    "tasks.state": Text(),
    "tasks.turn": BigInteger(),
    "tasks.available_at": UtcDateTime(),
    "tasks.reserved_for": Text(),
    "tasks.holder": Text(),
    "tasks.lease_number": Integer(),
    "tasks.due_at": UtcDateTime(),
    "tasks.created_at": UtcDateTime(),
    "tasks.skips": Integer(),
    "tasks.revision": Integer(),
    "tasks.label": Text(),
    "tasks.source": Text(),
    "tasks.resolved_at": UtcDateTime(),
    "tasks.trace": Text(),
    "tasks.erased_at": UtcDateTime(),
    "CAST(tasks.prediction ->> 'confidence' AS double precision) AS confidence": Float(),
}
_LEASE: Columns = {
    "leases.token": Text(),
    "leases.task_id AS leased": Text(),
    "leases.number": Integer(),
    "leases.reviewer": Text(),
    "leases.expires_at": UtcDateTime(),
    "leases.suggestion_shown": Boolean(),
    "leases.instructions_revision": Integer(),
    "leases.ending": Text(),
    "leases.body_digest": Text(),
    "leases.state_after": Text(),
    "leases.revision_after": Integer(),
    "leases.outcome_revision": Integer(),
}
_PROJECT: Columns = {"projects.revision AS project_revision": Integer()}
_ANSWER: Columns = {
    "verdict_id": BigInteger(),
    "task_id": Text(),
    "reviewer": Text(),
    "label": Text(),
    "blind": Boolean(),
    "token": Text(),
    "instructions_revision": Integer(),
    "withdrawn_at": UtcDateTime(),
}
_OUTCOME: Columns = {
    "task_id": Text(),
    "revision": Integer(),
    "label": Text(),
    "verdicts": Integer(),
    "blind": Boolean(),
    "instructions_revision": Integer(),
    "resolved_at": UtcDateTime(),
}
_PRESENTED = """
FROM leases
JOIN tasks ON tasks.task_id = leases.task_id
JOIN projects ON projects.name = tasks.project
WHERE leases.token {among:tokens} ORDER BY leases.task_id"""
_OVERDUE = """
FROM leases JOIN tasks ON tasks.task_id = leases.task_id
WHERE leases.ended_at IS NULL AND leases.expires_at <= :now
AND tasks.state = 'leased' AND tasks.available_at <= :now LIMIT :count"""
# The task is locked before its lease, as everywhere: the two orders would wait in a circle.
_LOCKED = " FOR UPDATE OF tasks, leases"
# Optional, past their due date, and held or kept for no reviewer. Lane written out, not bound: only
# so can SQLite tell that the index holds all of them.
_PAST_DUE = """
FROM tasks WHERE lane = 'optional' AND turn IS NOT NULL
AND due_at <= :now AND available_at <= :now ORDER BY due_at LIMIT :count"""
_ALL_OF = "WHERE task_id {among:tasks} ORDER BY"


@cache
def _query(sql: str, *columns: tuple[tuple[str, TypeEngine[Any]], ...]) -> TextualSelect:
    pairs = [pair for group in columns for pair in group]
    names = ", ".join(name for name, _ in pairs)
    kinds = {re.split("[. ]", name)[-1]: kind for name, kind in pairs}
    moments = {"now": UtcDateTime()} if ":now" in sql else {}
    return typed(f"SELECT {names} {sql}", kinds, **moments)


def _statement(
    session: AsyncSession, sql: str, *columns: Columns, lock: str = "", **parameters: Any
) -> Statement:
    clause = _query(spelt(session, sql, lock=lock), *(tuple(each.items()) for each in columns))
    given = {
        name: listed(session, value) if isinstance(value, list) else value
        for name, value in parameters.items()
    }
    return Statement(clause, given)


def presented(session: AsyncSession, tokens: list[str], *, waits: bool) -> Statement:
    """Lock the leases of these tokens and their tasks; unless it `waits`, only those that are free.

    Each row is a task, its lease and the project's revision: see `task_and_lease`.
    """
    lock = _LOCKED if waits else f"{_LOCKED} SKIP LOCKED"
    return _statement(session, _PRESENTED, _TASK, _LEASE, _PROJECT, lock=lock, tokens=tokens)


def task_and_lease(row: Any) -> tuple[Task, Lease]:
    """Return what a row of `presented` holds."""
    end = len(_TASK)
    return Task(*row[:end]), Lease(*row[end : end + len(_LEASE)])


async def lock_overdue(
    session: AsyncSession, now: datetime, count: int
) -> Iterator[tuple[Task, Lease]]:
    """Lock leased tasks whose lease has expired, with their leases; pass over what is locked."""
    lock = f"{_LOCKED} SKIP LOCKED"
    asked = {"now": now, "count": count}
    (rows,) = await run(session, [_statement(session, _OVERDUE, _TASK, _LEASE, lock=lock, **asked)])
    return map(task_and_lease, rows)


async def anything_overdue(session: AsyncSession, now: datetime) -> bool:
    """Say whether a lease has expired without an end."""
    statement = select(col(LeaseRow.token)).where(
        col(LeaseRow.ended_at).is_(None), col(LeaseRow.expires_at) <= now
    )
    return (await session.execute(statement.limit(1))).first() is not None


async def past_due(session: AsyncSession, now: datetime, count: int, *, lock: bool) -> list[Task]:
    """Return optional tasks that may close by themselves; with `lock` only those that are free."""
    locked = " FOR UPDATE SKIP LOCKED" if lock else ""
    asked = {"now": now, "count": count}
    (rows,) = await run(session, [_statement(session, _PAST_DUE, _TASK, lock=locked, **asked)])
    return [Task(*row) for row in rows]


async def tasks(session: AsyncSession, task_ids: Collection[str], *, lock: bool) -> dict[str, Task]:
    """Return these tasks by id; with `lock` kept from other writers until the transaction ends."""
    sql, locked = f"FROM tasks {_ALL_OF} task_id", " FOR UPDATE" if lock else ""
    (rows,) = await run(
        session, [_statement(session, sql, _TASK, lock=locked, tasks=list(task_ids))]
    )
    return {row.task_id: Task(*row) for row in rows}


async def histories(session: AsyncSession, task_ids: Collection[str]) -> dict[str, History]:
    """Return the leases, answers and outcomes of tasks, each of which has an entry."""
    found: dict[str, History] = {task_id: History() for task_id in task_ids}
    if not found:
        return found
    queries = (
        (f"FROM leases {_ALL_OF} number", _LEASE),
        (f"FROM verdicts {_ALL_OF} verdict_id", _ANSWER),
        (f"FROM outcomes {_ALL_OF} revision", _OUTCOME),
    )
    leases, answers, outcomes = await run(
        session,
        [_statement(session, sql, columns, tasks=list(found)) for sql, columns in queries],
    )
    for lease in (Lease(*row) for row in leases):
        found[lease.task_id].leases.append(lease)
    for answer in (Answer(*row) for row in answers):
        found[answer.task_id].answers.append(answer)
    for outcome in (Outcome(*row) for row in outcomes):
        found[outcome.task_id].outcomes[outcome.revision] = outcome
    return found


# Answers of all projects that are looked through for reviewers of one, and how old they may be:
# who has answered since then is taken for one who will.
_LATELY_READ = 1_000
_LATELY = timedelta(days=7)


async def look_for_others(
    session: AsyncSession, change: Change, project: Project, history: History, reviewer: str
) -> None:
    """Let `history` say whether reviewers are left who could answer besides `reviewer`."""
    if not may_run_out(change.task, project, history):
        return
    newest = (
        select(col(VerdictRow.task_id), col(VerdictRow.reviewer))
        .where(col(VerdictRow.given_at) >= change.now - _LATELY)
        .order_by(col(VerdictRow.verdict_id).desc())
        .limit(_LATELY_READ)
        .subquery()
    )
    # Who answered with a label that is gone may be asked again.
    have = [one.reviewer for one in history.standing if one.skipped or one.label in project.labels]
    statement = (
        select(newest.c.reviewer)
        .join(TaskRow, col(TaskRow.task_id) == newest.c.task_id)
        .where(col(TaskRow.project) == project.project, newest.c.reviewer.not_in([*have, reviewer]))
    )
    history.others_answer = (await session.execute(statement.limit(1))).first() is not None
