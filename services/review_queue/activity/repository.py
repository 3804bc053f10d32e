"""Every statement about the activity log: its own lines, and those of the timelines of tasks."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, exists, select

from services.review_queue.repository.statements import fetch
from services.review_queue.tables import EVENTS, TASKS
from services.review_queue.tables.activity import ACTIVITY
from shared.db import Session


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
    statement: Select[Any] = select(ACTIVITY).where(
        ACTIVITY.c.project == project, ACTIVITY.c.entry_id < before
    )
    if since is not None:
        statement = statement.where(ACTIVITY.c.at >= since)
    if actor is not None:
        statement = statement.where(ACTIVITY.c.actor == actor)
    if action is not None:
        statement = statement.where(ACTIVITY.c.action == action)
    newest = statement.order_by(ACTIVITY.c.entry_id.desc()).limit(limit)
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
    in_project = exists().where(TASKS.c.task_id == EVENTS.c.task_id, TASKS.c.project == project)
    statement: Select[Any] = select(EVENTS).where(
        in_project,
        EVENTS.c.event_id < before,
        EVENTS.c.kind.in_(kinds),
        EVENTS.c.actor.is_not(None),
        EVENTS.c.detail["recorded_by"].as_string().is_(None),
    )
    if actor is not None:
        statement = statement.where(EVENTS.c.actor == actor)
    newest = statement.order_by(EVENTS.c.event_id.desc()).limit(limit)
    return await fetch(session, newest)
