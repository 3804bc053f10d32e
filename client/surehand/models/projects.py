"""Projects, and what edits of them do."""

from datetime import datetime
from typing import Any

from surehand.models.base import Model


class Project(Model):
    """A project with its settings; `docs/reference/http.md` explains them.

    `promise`, `review`, `training` and `capacity` are plain dictionaries, as an edit takes them.
    """

    project: str
    revision: int
    title: str = ""
    labels: list[str]
    fields: dict[str, dict[str, Any]]
    metadata: list[str] = []
    instructions: str = ""
    promise: dict[str, Any] = {}
    review: dict[str, Any] = {}
    training: dict[str, Any] = {}
    capacity: dict[str, Any] = {}
    webhooks: list[dict[str, Any]] = []
    retention_days: float | None = None
    instructions_revision: int = 0
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None


class ProjectFigures(Model):
    """What waits in a project: `waiting` tasks since `oldest_at`, `leased` of them held.

    `adjudication` counts tasks that wait for an adjudicator instead. `answers` are the verdicts
    since the overview's `since`. A figure that equals `counted_to` means so many or more.
    """

    project: str
    title: str = ""
    revision: int
    labels: int
    created_at: datetime
    archived_at: datetime | None = None
    waiting: int
    leased: int = 0
    adjudication: int = 0
    oldest_at: datetime | None = None
    answers: int = 0
    counted_to: int | None = None


class EditEffect(Model):
    """What an edit does to certificates.

    `certificate` is ``kept``, ``ended`` (`why` has a sentence for each) or ``none``.
    """

    certificate: str
    why: list[str] = []
    labels_to_renew: int = 0


class MappedLabel(Model):
    """What a label mapping renames: how many votes, suggestions and outcomes."""

    to: str
    votes: int
    suggestions: int
    outcomes: int


class ProjectPreview(Model):
    """The project as an edit would leave it, and the effect."""

    project: Project
    effect: EditEffect
    label_mapping: dict[str, MappedLabel] = {}


class ProjectDeletion(Model):
    """When a project was deleted."""

    project: str
    deleted_at: datetime


class WebhookStatus(Model):
    """The deliveries of one webhook."""

    webhook_id: str
    url: str
    secret_ref: str
    events: list[str] | None = None
    state: str
    disabled_at: datetime | None = None
    resume_at: datetime | None = None
    pending: int
    delivered: int
    failed: int
    last_success_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None


class WebhookDelivery(Model):
    """What became of one event for one webhook; `status` and `error` are of the last attempt.

    `state`: `waiting` for its next attempt, `delivered`, or `failed` (given up).
    """

    delivery_id: str
    webhook_id: str
    url: str
    event_id: str
    event: str
    subject: str | None = None
    state: str
    status: int | None = None
    error: str | None = None
    attempts: int
    first_attempt_at: datetime
    last_attempt_at: datetime
    next_attempt_at: datetime | None = None


class WebhookTrial(Model):
    """What a receiver said to a test event."""

    event_id: str
    delivered: bool
    status: int | None = None
    error: str | None = None


class ActivityEntry(Model):
    """One line of the activity log: who did what, to which target."""

    entry_id: str
    at: datetime
    actor: str | None = None
    role: str | None = None
    action: str
    target: str | None = None
    detail: dict[str, Any] = {}
