"""What is given of the activity log."""

from typing import Any

from services.review_queue.activity.actions import Action
from shared.contracts.base import Message, UtcTime


class ActivityEntry(Message):
    """One action of a person or a service.

    `token_id` is a token's `jti`, or the digest of a session's cookie. `role` and `token_id` are
    null for entries from timelines, and for people who came by a link.
    """

    entry_id: str
    at: UtcTime
    actor: str | None
    role: str | None
    token_id: str | None
    action: Action
    target: str | None
    detail: dict[str, Any]


class ActivityList(Message):
    """A page of the activity log, newest first."""

    activity: list[ActivityEntry]
    cursor: str | None
