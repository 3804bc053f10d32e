"""Tasks that wait for an adjudicator."""

from datetime import datetime
from typing import Any

from surehand.models.base import Model


class CaseAnswer(Model):
    """What one reviewer said of a task; a skip has no `label`, and its reason is the `comment`."""

    reviewer: str
    label: str | None = None
    skipped: bool = False
    comment: str | None = None
    given_at: datetime


class Case(Model):
    """A task that waits for an adjudicator, with the answers that stand, oldest first."""

    task_id: str
    item_id: str
    lane: str
    state: str
    revision: int
    created_at: datetime
    data: dict[str, Any]
    metadata: dict[str, str] = {}
    answers: list[CaseAnswer] = []
