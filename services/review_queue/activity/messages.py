"""The names of recorded actions, and the messages of the activity log."""

from typing import Any, Literal

from shared.contracts.base import Message, UtcTime

# Read from the timelines of tasks, which have them already.
TimelineAction = Literal[
    "task.leased", "task.answered", "task.skipped", "task.released", "task.undone"
]
RecordedAction = Literal[
    "project.created",
    "project.replaced",
    "project.archived",
    "project.unarchived",
    "project.deleted",
    "tasks.added",
    "tasks.imported",
    "tasks.exported",
    "tasks.withdrawn",
    "task.answered_on_behalf",
    "task.adjudicated",
    "task.reopened",
    "feedback.given",
    "feedback.answered",
    "webhook.enabled",
    "webhook.tested",
    "webhook.retried",
    "link.made",
    "link.redeemed",
    "link.requested",
    "link.revoked",
    "session.opened",
    "session.ended",
    "instructions.read",
    "item.erased",
    "gold.added",
    "gold.vouched",
    "gold.retired",
    "reviewer.paused",
    "reviewer.resumed",
    "reviewer.tagged",
]
Action = TimelineAction | RecordedAction

KIND_OF: dict[TimelineAction, str] = {
    "task.leased": "leased",
    "task.answered": "verdict",
    "task.skipped": "skipped",
    "task.released": "released",
    "task.undone": "undone",
}
ACTION_OF: dict[str, TimelineAction] = {kind: action for action, kind in KIND_OF.items()}


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
