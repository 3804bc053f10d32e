"""Claiming: which tasks a reviewer may have, and how they are leased."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Integer, func, select, update

from services.review_queue.lifecycle.lanes import GROUPS, RESERVED_TURN, Plan
from services.review_queue.lifecycle.repository.writing import EVENT_PART
from services.review_queue.lifecycle.states import timeline_entry
from services.review_queue.repository.pipelining import Query, Statement, run
from services.review_queue.repository.row_batches import Part, RowBatch
from services.review_queue.repository.statements import is_postgresql
from services.review_queue.tables import LEASES, TASKS, VERDICTS, LeaseRow, TaskRow
from shared.db import Session

_OF_TASK = {
    name: TASKS.c[name].type
    for name in (
        *("task_id", "item_id", "data", "item_metadata", "prediction", "lane_group"),
        *("lease_number", "turn", "trace", "reserved_for", "needs"),
    )
}
_READ = {
    **_OF_TASK,
    "place": Integer(),
    "for_all": Boolean(),
    "answered_by": JSON(),
    "covered_by": JSON(),
    "project_revision": Integer(),
}

# What claimable means. An open task is available at once, a leased one from its lease's expiry on:
# so the claim itself sees expiry, and needs no worker.
_FOR_ALL = "(available_at <= :now AND NOT (lane = 'optional' AND coalesce(due_at <= :now, false)))"
_RESERVED = "(state = 'open' AND coalesce(reserved_for {among:reviewers}, false))"
# What was given back is for all, and the reviewer's before; it may have expired since.
_KEPT = f"({_RESERVED} AND available_at > :now)"
# Without a group the index by turn is read past all that is resolved.
_IN_ANY_GROUP = f"lane_group IN {GROUPS}"
# `|| ''` keeps the reviewers out of the index, which would be searched for each of them at every
# task: nearly all open tasks have no verdict.
_ANSWERED = """verdicts WHERE verdicts.task_id = tasks.task_id
      AND verdicts.withdrawn_at IS NULL AND verdicts.reviewer || '' {among:reviewers}"""
# One of the reviewers at least has not answered it.
_UNANSWERED = f"(SELECT count(DISTINCT reviewer) FROM {_ANSWERED}) < :number"  # noqa: S608 - constants
# The needs that some of the reviewers cover: of each the tasks are read by their index.
_COVERED = """covered AS (
  SELECT '' AS needs UNION
  SELECT reviewer_tags.needs FROM reviewer_tags
  WHERE reviewer_tags.project = :project AND reviewer_tags.reviewer {among:reviewers})"""
_CLAIMABLE = f"project = :project AND needs = covered.needs AND turn IS NOT NULL AND {_UNANSWERED}"


def _of_each(columns: str, free: str, *, order: str = "", lateral: bool) -> str:
    """Return SQL for the first tasks of each needs that are free; only PostgreSQL has `lateral`."""
    tasks = f"FROM tasks WHERE {_CLAIMABLE} AND {free} {order} LIMIT :count"
    if lateral:
        joined = f"CROSS JOIN LATERAL (SELECT {columns} {tasks}{{lock}}) AS tasks"
    else:
        joined = f"JOIN tasks ON tasks.task_id IN (SELECT task_id {tasks})"
    return f"SELECT {columns} FROM covered {joined} {order} LIMIT :count"  # noqa: S608 - constants


def _counting(*, lateral: bool) -> Query:
    free = f"{_IN_ANY_GROUP} AND ({_FOR_ALL} OR {_KEPT})"
    found = _of_each("tasks.task_id", free, lateral=lateral)
    number = f"WITH {_COVERED} SELECT count(*) AS number FROM ({found}) AS found"  # noqa: S608 - constants
    return Query(number, {"number": Integer()})


# Where a task comes among those that are given together: what has come back from a reviewer before
# all others, what a reviewer has put off behind them.
OWN, SHARED, PUT_OFF = range(3)
_CAME_BACK = f"(turn = {RESERVED_TURN} AND {_RESERVED})"
# Each with its place, who may have it, and which tasks are in it. No task is in two of them.
_PARTS: dict[str, tuple[int, str, str]] = {
    "own": (OWN, "false", f"{_IN_ANY_GROUP} AND {_CAME_BACK} AND ({_FOR_ALL} OR {_KEPT})"),
    **{
        group: (SHARED, "true", f"lane_group = '{group}' AND {_FOR_ALL} AND NOT {_CAME_BACK}")
        for group in GROUPS
    },
    # What one of them has put off: while it waits for that reviewer alone, it is behind all others.
    "put_off": (PUT_OFF, "false", f"{_IN_ANY_GROUP} AND {_KEPT} AND turn <> {RESERVED_TURN}"),
}
_ANSWERED_BY = _ANSWERED.replace("tasks.task_id", "found.task_id")
_COVERED_BY = """reviewer_tags WHERE reviewer_tags.project = :project
      AND reviewer_tags.needs = found.needs AND reviewer_tags.reviewer {among:reviewers}"""
_COLUMNS = ", ".join(f"tasks.{name}" for name in _OF_TASK)


def _finding(*, lateral: bool) -> Query:
    """First what is planned of each group, then what fills the rest.

    Optional ones come once no mandatory one and no evidence is left.
    """
    parts = {
        part: _of_each(_COLUMNS, free, order="ORDER BY turn", lateral=lateral)
        for part, (_, _, free) in _PARTS.items()
    }
    read = ",".join(
        f"""
{part} AS (SELECT first.*, {place} AS place, {for_all} AS for_all FROM ({parts[part]}) AS first)"""  # noqa: S608 - constants
        for part, (place, for_all, _) in _PARTS.items()
    )
    return Query(
        f"""
WITH {_COVERED},{read}
SELECT found.*, (SELECT {{list:reviewer}} FROM {_ANSWERED_BY}) AS answered_by,
  CASE WHEN found.needs <> '' THEN (SELECT {{list:reviewer}} FROM {_COVERED_BY}) END AS covered_by,
  (SELECT revision FROM projects WHERE name = :project) AS project_revision
FROM (
  SELECT * FROM own
  UNION ALL SELECT * FROM (SELECT * FROM evidence LIMIT :evidence) AS planned
  UNION ALL SELECT * FROM (SELECT * FROM elective LIMIT :elective) AS planned
  UNION ALL SELECT * FROM mandatory
  UNION ALL SELECT * FROM (SELECT * FROM evidence LIMIT :count OFFSET :evidence) AS more
  UNION ALL SELECT * FROM optional
  UNION ALL SELECT * FROM (SELECT * FROM elective LIMIT :count OFFSET :elective) AS more
  UNION ALL SELECT * FROM put_off
  LIMIT :count) AS found""",  # noqa: S608 - constants
        _READ,
    )


# By whether the database is PostgreSQL.
_FREE = {lateral: _finding(lateral=lateral) for lateral in (False, True)}
_COUNTED = {lateral: _counting(lateral=lateral) for lateral in (False, True)}

_LEASES = RowBatch(
    Part(
        LeaseRow,
        (
            *("token", "task_id", "number", "reviewer", "leased_at", "expires_at"),
            *("suggestion_shown", "instructions_revision"),
        ),
    ),
    EVENT_PART,
    Part(
        TaskRow, ("state", "holder", "reserved_for", "available_at", "lease_number"), key="task_id"
    ),
)


def free(
    session: Session, project: str, reviewers: Sequence[str], plan: Plan, now: datetime
) -> Statement:
    """Find as many tasks as `plan` has, and lock them; one of `reviewers` at least may have each.

    What one group cannot fill the others do. PostgreSQL skips what another claim holds; SQLite,
    which knows no row locks, has one writer.
    """
    return _FREE[is_postgresql(session)].of(
        session,
        lock=" FOR UPDATE OF tasks SKIP LOCKED",
        project=project,
        reviewers=list(reviewers),
        number=len(set(reviewers)),
        evidence=plan.evidence,
        elective=plan.elective,
        count=plan.count,
        now=now,
    )


async def claimable_number(
    session: Session, project: str, reviewer: str, now: datetime, limit: int
) -> int:
    """Return how many tasks a claim would find, at most `limit`; it locks none of them."""
    counted = _COUNTED[is_postgresql(session)].of(
        session, project=project, reviewers=[reviewer], number=1, count=limit, now=now
    )
    ((row,),) = await run(session, [counted])
    return int(row.number)


def lease(session: Session, leases: Sequence[dict[str, Any]]) -> list[Statement]:
    """Lease tasks; each of `leases` has the columns of its row."""
    events = [
        timeline_entry(one["task_id"], "leased", one["reviewer"], one["leased_at"])
        for one in leases
    ]
    tasks = [
        {
            "task_id": one["task_id"],
            "state": "leased",
            "holder": one["reviewer"],
            "reserved_for": None,
            "available_at": one["expires_at"],
            "lease_number": one["number"],
        }
        for one in leases
    ]
    return _LEASES.of(session, leases=leases, task_events=events, tasks=tasks)


async def end_expired(
    session: Session, task_ids: Sequence[str], now: datetime
) -> list[dict[str, Any]]:
    """End leases of these tasks that nothing has ended; return the entries for their timelines."""
    statement = (
        update(LEASES)
        .where(LEASES.c.task_id.in_(task_ids), LEASES.c.ended_at.is_(None))
        .values(ending="expiry", ended_at=now)
        .returning(LEASES.c.task_id, LEASES.c.reviewer, LEASES.c.expires_at)
    )
    return [
        timeline_entry(row.task_id, "expired", row.reviewer, row.expires_at)
        for row in await session.execute(statement)
    ]


async def held(session: Session, projects: Collection[str], now: datetime) -> dict[str, int]:
    """Return how many tasks are held, by project; it reads what is held now, and no more."""
    statement = (
        select(TASKS.c.project, func.count())
        .select_from(LEASES.join(TASKS, TASKS.c.task_id == LEASES.c.task_id))
        .where(
            LEASES.c.ended_at.is_(None), LEASES.c.expires_at > now, TASKS.c.project.in_(projects)
        )
        .group_by(TASKS.c.project)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def active_seconds(session: Session, project: str, newest: int) -> list[float]:
    """Return how long people were at work on each of the newest tasks that say so, in seconds."""
    statement = (
        select(VERDICTS.c.active_seconds)
        .join(TASKS, TASKS.c.task_id == VERDICTS.c.task_id)
        .where(TASKS.c.project == project, VERDICTS.c.active_seconds.is_not(None))
        .order_by(VERDICTS.c.verdict_id.desc())
        .limit(newest)
    )
    return list((await session.execute(statement)).scalars())
