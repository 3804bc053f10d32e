"""Answers that are recorded without a lease, and what is answered about leases."""

from pydantic import Field

from shared.contracts.base import Label, Message, UtcTime
from shared.contracts.tasks import Comment, Reviewer


class Renewal(Message):
    """The answer of renew."""

    token: str
    expires_at: UtcTime


class VerdictOnBehalf(Message):
    """The body of ``POST …/tasks/{task_id}/verdicts``: a verdict given elsewhere."""

    reviewer: Reviewer
    label: Label
    active_seconds: float | None = Field(default=None, ge=0, le=86_400)
    comment: Comment | None = None


class Adjudication(Message):
    """The body of ``POST …/tasks/{task_id}/adjudicate``: the label, and why."""

    label: Label
    comment: Comment | None = None
