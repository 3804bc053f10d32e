"""The statements of verdicts that are given together: one to read, one to write."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Boolean, Integer, Text, TextualSelect
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.repository.pipelining import Statement
from services.review_queue.repository.row_batches import bulk
from services.review_queue.repository.statements import listed, spelt, typed
from shared.db import UtcDateTime

_READ = {
    "leases.token": Text(),
    "leases.task_id": Text(),
    "leases.number": Integer(),
    "leases.reviewer": Text(),
    "leases.expires_at": UtcDateTime(),
    "leases.suggestion_shown": Boolean(),
    "leases.instructions_revision": Integer(),
    "leases.ending": Text(),
    "tasks.project": Text(),
    "tasks.lane": Text(),
    "tasks.lease_number": Integer(),
    "tasks.revision": Integer(),
    "tasks.trace": Text(),
    "projects.revision AS project_revision": Integer(),
}
_PRESENTED = """
SELECT {columns}
FROM leases
JOIN tasks ON tasks.task_id = leases.task_id
JOIN projects ON projects.name = tasks.project
WHERE leases.token {{among:tokens}} ORDER BY leases.task_id"""
# One that somebody else is at work on goes its own way: nobody else is to wait for it.
_LOCKED = " FOR UPDATE OF tasks, leases SKIP LOCKED"

_GIVEN = {
    "token": "text",
    "task_id": "text",
    "reviewer": "text",
    "label": "text",
    "comment": "text",
    "active_seconds": "double precision",
    "blind": "boolean",
    "instructions_revision": "integer",
    "digest": "text",
    "revision": "integer",
    "said": "json",
    "resolved": "json",
}
_WRITE = bulk(
    {"given": _GIVEN, "bells": {"event_id": "text", "bell": "text"}},
    "INSERT INTO verdicts (task_id, reviewer, recorded_by, token, skipped, label, comment,"
    " active_seconds, blind, instructions_revision, given_at) SELECT task_id, reviewer, reviewer,"
    " token, false, label, comment, active_seconds, blind, instructions_revision, :now FROM given",
    "INSERT INTO outcomes (project, task_id, revision, lane, label, source, verdicts, blind,"
    " prediction, instructions_revision, resolved_at) SELECT tasks.project, given.task_id,"
    " given.revision, tasks.lane, given.label, 'human', 1, given.blind, tasks.prediction,"
    " given.instructions_revision, :now FROM given JOIN tasks ON tasks.task_id = given.task_id",
    "INSERT INTO task_events (task_id, kind, actor, at, detail)"
    " SELECT task_id, 'verdict', reviewer, :now, said FROM given"
    " UNION ALL SELECT task_id, 'resolved', NULL, :now, resolved FROM given",
    "INSERT INTO outbox (event_id, bell, created_at) SELECT event_id, bell, :now FROM bells",
    "UPDATE leases SET ending = 'verdict', ended_at = :now, body_digest = given.digest,"
    " state_after = 'resolved', revision_after = given.revision,"
    " outcome_revision = given.revision FROM given WHERE leases.token = given.token",
    "UPDATE tasks SET state = 'resolved', turn = NULL, adjudication = false, holder = NULL,"
    " reserved_for = NULL, label = given.label, source = 'human', resolved_at = :now,"
    " revision = given.revision FROM given WHERE tasks.task_id = given.task_id",
)


@cache
def _reading(sql: str) -> TextualSelect:
    return typed(sql, {re.split("[. ]", name)[-1]: kind for name, kind in _READ.items()})


def presented(session: AsyncSession, tokens: Sequence[str]) -> Statement:
    """Lock those of these leases that are free, and their tasks; read what is known of each."""
    clause = _reading(spelt(session, _PRESENTED.format(columns=", ".join(_READ)), lock=_LOCKED))
    return Statement(clause, {"tokens": listed(session, tokens)})


def resolve(
    session: AsyncSession,
    given: list[dict[str, Any]],
    bells: list[dict[str, str]],
    now: datetime,
) -> list[Statement]:
    """Write verdicts that each resolve their task, all that belongs to them, and `bells`.

    Each of `given` has the columns of `_GIVEN`.
    """
    return _WRITE.of(session, given=given, bells=bells, now=now)
