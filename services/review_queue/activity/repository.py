"""Every statement about the activity log: its own lines, and those of the timelines of tasks."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, exists, select

from services.review_queue.repository.statements import fetch, table_of
from services.review_queue.tables import EventRow, TaskRow
from services.review_queue.tables.activity import ActivityRow
from shared.db import Session

_activity = table_of(ActivityRow)
_events = table_of(EventRow)
_tasks = table_of(TaskRow)


async def log_entries(
    session: Session,
    project: str | None,
    *,
    since: datetime | None,
    before: int,
    limit: int,
    actor: str | None,
    action: str | None,
) -> Sequence[Row[Any]]:
    """Return the log's own lines of a project (None: of no single one), newest first."""
    statement: Select[Any] = select(_activity).where(
        _activity.c.project == project, _activity.c.entry_id < before
    )
    if since is not None:
        statement = statement.where(_activity.c.at >= since)
    if actor is not None:
        statement = statement.where(_activity.c.actor == actor)
    if action is not None:
        statement = statement.where(_activity.c.action == action)
    newest = statement.order_by(_activity.c.entry_id.desc()).limit(limit)
    return await fetch(session, newest)


async def timeline_entries(
    session: Session,
    project: str,
    *,
    before: int,
    limit: int,
    actor: str | None,
    kinds: Collection[str],
) -> Sequence[Row[Any]]:
    """Return lines of these kinds of the timelines of a project's tasks, newest first.

    Without answers that were recorded on behalf of a reviewer, which the log has itself, and
    without lines that have no actor, such as an answer that fell with its label.
    """
    # Not a join: SQLite would begin with all tasks of the project, and sort all their lines.
    in_project = exists().where(_tasks.c.task_id == _events.c.task_id, _tasks.c.project == project)
    statement: Select[Any] = select(_events).where(
        in_project,
        _events.c.event_id < before,
        _events.c.kind.in_(kinds),
        _events.c.actor.is_not(None),
        _events.c.detail["recorded_by"].as_string().is_(None),
    )
    if actor is not None:
        statement = statement.where(_events.c.actor == actor)
    newest = statement.order_by(_events.c.event_id.desc()).limit(limit)
    return await fetch(session, newest)
