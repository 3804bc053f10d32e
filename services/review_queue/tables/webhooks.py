"""The tables of webhooks, their deliveries, and what was announced of documents."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from services.review_queue.tables import Base, Json, table_of
from shared.db import UtcDateTime


class WebhookRow(Base, table=True):
    """A receiver of one project's events, as the project states it, and how it fares.

    `position` is the place in the outcomes feed up to which its deliveries have been written.
    `disabled_at` is null while it is enabled; nothing is sent before `resume_at`.
    """

    __tablename__ = "webhooks"
    __table_args__ = (UniqueConstraint("project", "url"),)

    webhook_id: str = Field(primary_key=True)
    project: str = Field(foreign_key="projects.name")
    url: str
    secret_ref: str
    events: list[Any] | None = Field(default=None, sa_type=Json)
    position: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    resume_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    delivered: int = Field(default=0, sa_type=BigInteger)
    failed: int = Field(default=0, sa_type=BigInteger)
    last_success_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = None
    last_error_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DeliveryRow(Base, table=True):
    """One event for one webhook, until it is delivered or given up.

    Of an outcome it names the revision instead of holding a copy. Any other event it holds itself:
    `event_id`, and in `event` what belongs to it. From `due_at` on any
    replica may claim it; a claim puts `due_at` off, so it ends by itself if its replica dies.
    `attempts` counts the claims.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "task_id", "revision"),
        UniqueConstraint("webhook_id", "event_id"),
        Index("webhook_deliveries_by_due", "webhook_id", "due_at"),
    )

    delivery_id: str = Field(primary_key=True)
    webhook_id: str = Field(foreign_key="webhooks.webhook_id")
    task_id: str | None = None
    revision: int | None = None
    event_id: str | None = None
    event: dict[str, Any] | None = Field(default=None, sa_type=Json)
    due_at: datetime = Field(sa_type=UtcDateTime)
    attempts: int = 0


class HistoryRow(Base, table=True):
    """What became of one delivery, from its first attempt on.

    `state` is `waiting` while the delivery is in `webhook_deliveries`, then `delivered` or
    `failed` (given up). `task_id`, `revision`, `event_id` and `event` are what sends it again.
    """

    __tablename__ = "webhook_history"
    __table_args__ = (
        Index("webhook_history_by_place", "project", "first_attempt_at", "delivery_id"),
        Index("webhook_history_by_state", "webhook_id", "state", "first_attempt_at"),
    )

    delivery_id: str = Field(primary_key=True)
    project: str = Field(foreign_key="projects.name")
    # The release before removes webhooks without knowing of their history.
    webhook_id: str = Field(foreign_key="webhooks.webhook_id", ondelete="CASCADE")
    event_id: str
    kind: str
    subject: str | None = None
    task_id: str | None = None
    revision: int | None = None
    event: dict[str, Any] | None = Field(default=None, sa_type=Json)
    state: str
    status: int | None = None
    error: str | None = None
    attempts: int
    first_attempt_at: datetime = Field(sa_type=UtcDateTime)
    last_attempt_at: datetime = Field(sa_type=UtcDateTime)
    next_attempt_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ToldRow(Base, table=True):
    """What was announced of the trainer's documents to the receivers of a project.

    The columns are those of `webhooks.changes.Announced`. There is no row until a project has its
    first webhook.
    """

    __tablename__ = "webhook_told"

    project: str = Field(foreign_key="projects.name", primary_key=True)
    channels_revision: int
    promise_revision: int
    standings: dict[str, Any] = Field(sa_type=JSON)
    champion: str | None = None
    live_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


WEBHOOKS = table_of(WebhookRow)
DELIVERIES = table_of(DeliveryRow)
HISTORY = table_of(HistoryRow)
TOLD = table_of(ToldRow)
