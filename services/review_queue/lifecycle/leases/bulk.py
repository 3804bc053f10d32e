"""The statements of leases that are given together: one to find tasks, one to lease them."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Integer, Text, TextualSelect
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.lifecycle.tasks.lanes import GROUPS, RESERVED_TURN, Plan
from services.review_queue.repository.pipelining import Statement
from services.review_queue.repository.row_batches import bulk
from services.review_queue.repository.statements import is_postgresql, listed, spelt, typed
from shared.db import UtcDateTime

_OF_TASK = {
    "task_id": Text(),
    "item_id": Text(),
    "data": JSON(),
    "item_metadata": JSON(),
    "prediction": JSON(),
    "lane_group": Text(),
    "lease_number": Integer(),
    "turn": BigInteger(),
    "trace": Text(),
    "reserved_for": Text(),
}
_READ = {
    **_OF_TASK,
    "place": Integer(),
    "for_all": Boolean(),
    "answered_by": JSON(),
    "project_revision": Integer(),
}
_FOR_ALL = "(available_at <= :now AND NOT (lane = 'optional' AND coalesce(due_at <= :now, false)))"
_RESERVED = "state = 'open' AND reserved_for {among:reviewers} AND turn"
# Where a task comes among those that are given together: what has come back from a reviewer before
# all others, what he has put off behind them.
OWN, SHARED, PUT_OFF = range(3)
_PART = """
{part} AS (
  SELECT {columns}, {place} AS place, {for_all} AS for_all,
    (SELECT {names} FROM verdicts WHERE verdicts.task_id = tasks.task_id
      AND withdrawn_at IS NULL) AS answered_by
  FROM tasks
  WHERE project = :project AND turn IS NOT NULL AND {free}
  ORDER BY turn LIMIT :count{lock})"""
_IN_ANY_GROUP = f"lane_group IN {GROUPS} AND"
_CAME_BACK = f"(turn = {RESERVED_TURN} AND coalesce(reserved_for {{among:reviewers}}, false))"
# Each with its place, who may have it, and which tasks are in it. No task is in two of them.
_PARTS: dict[str, tuple[int, str, str]] = {
    "own": (
        *(OWN, "false"),
        f"{_IN_ANY_GROUP} {_RESERVED} = {RESERVED_TURN} AND (available_at > :now OR {_FOR_ALL})",
    ),
    **{
        group: (SHARED, "true", f"lane_group = '{group}' AND {_FOR_ALL} AND NOT {_CAME_BACK}")
        for group in GROUPS
    },
    # What one of them has put off: while it waits for him alone, it is behind all others.
    "put_off": (
        *(PUT_OFF, "false"),
        f"{_IN_ANY_GROUP} NOT {_FOR_ALL} AND {_RESERVED} <> {RESERVED_TURN}",
    ),
}
# First what is planned of each group, then what fills the rest; each is read only as far as needed.
_FREE = """
WITH {parts}
SELECT found.*, (SELECT revision FROM projects WHERE name = :project) AS project_revision
FROM (
  SELECT * FROM own
  UNION ALL SELECT * FROM (SELECT * FROM evidence LIMIT :evidence) AS planned
  UNION ALL SELECT * FROM (SELECT * FROM elective LIMIT :elective) AS planned
  UNION ALL SELECT * FROM mandatory
  UNION ALL SELECT * FROM (SELECT * FROM evidence LIMIT :count OFFSET :evidence) AS more
  UNION ALL SELECT * FROM (SELECT * FROM elective LIMIT :count OFFSET :elective) AS more
  UNION ALL SELECT * FROM put_off
  LIMIT :count) AS found"""

_GIVEN = {
    "token": "text",
    "task_id": "text",
    "number": "integer",
    "reviewer": "text",
    "suggestion_shown": "boolean",
    "instructions_revision": "integer",
}
_WRITE = bulk(
    {"given": _GIVEN},
    "INSERT INTO leases (token, task_id, number, reviewer, leased_at, expires_at,"
    " suggestion_shown, instructions_revision) SELECT token, task_id, number, reviewer, :now,"
    " :expires_at, suggestion_shown, instructions_revision FROM given",
    "INSERT INTO task_events (task_id, kind, actor, at, detail)"
    " SELECT task_id, 'leased', reviewer, :now, '{}' FROM given",
    "UPDATE tasks SET state = 'leased', holder = given.reviewer, reserved_for = NULL,"
    " available_at = :expires_at, lease_number = given.number FROM given"
    " WHERE tasks.task_id = given.task_id",
)


@cache
def _reading(sql: str) -> TextualSelect:
    return typed(sql, _READ, now=UtcDateTime())


@cache
def _free(*, locks: bool) -> str:
    names = "json_agg(reviewer)" if locks else "json_group_array(reviewer)"
    lock = " FOR UPDATE OF tasks SKIP LOCKED" if locks else ""
    columns = ", ".join(_OF_TASK)
    parts = ",".join(
        _PART.format(
            part=part,
            columns=columns,
            place=place,
            for_all=for_all,
            names=names,
            free=free,
            lock=lock,
        )
        for part, (place, for_all, free) in _PARTS.items()
    )
    return _FREE.format(parts=parts)


def free(
    session: AsyncSession,
    project: str,
    reviewers: Sequence[str],
    plan: Plan,
    now: datetime,
) -> Statement:
    """Find as many tasks as `plan` has, and lock them; one of `reviewers` at least may have each.

    What one group cannot fill the others do. PostgreSQL skips what another claim holds; SQLite,
    which knows no row locks, has one writer.
    """
    clause = _reading(spelt(session, _free(locks=is_postgresql(session))))
    parameters = {
        "project": project,
        "reviewers": listed(session, reviewers),
        "evidence": plan.evidence,
        "elective": plan.elective,
        "count": plan.count,
        "now": now,
    }
    return Statement(clause, parameters)


def lease(
    session: AsyncSession, given: list[dict[str, Any]], now: datetime, expires_at: datetime
) -> list[Statement]:
    """Lease tasks, each of `given` with the columns of `_GIVEN`."""
    return _WRITE.of(session, given=given, now=now, expires_at=expires_at)
