"""Writing to the activity log, in the transaction of the action."""

from datetime import datetime
from typing import Any

from services.review_queue.activity.messages import RecordedAction
from services.review_queue.tables.activity import ActivityRow
from shared.auth import acting
from shared.db import Session


def record(
    session: Session,
    action: RecordedAction,
    at: datetime,
    *,
    project: str | None,
    target: str | None = None,
    actor: str | None = None,
    **detail: Any,
) -> None:
    """Record an action of the caller of this request.

    `actor` names a person who has no token, or on whose behalf the caller acts.
    """
    who = acting()
    known = who if who is not None and actor in {None, who.subject} else None
    session.add(
        ActivityRow(
            project=project,
            at=at,
            actor=actor or (None if known is None else known.subject),
            role=None if known is None else known.role,
            token_id=None if known is None else known.token_id,
            action=action,
            target=target,
            detail=detail,
        )
    )
