"""The tables: webhooks, and deliveries that are still to be made."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from services.review_queue.models import Base
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
    events: list[Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
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

    It names the outcome's revision instead of holding a copy. From `due_at` on anybody may claim
    it; a claim puts `due_at` off, so that a claim whose holder died ends by itself. `attempts`
    counts the claims.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "task_id", "revision"),
        Index("webhook_deliveries_by_due", "webhook_id", "due_at"),
    )

    delivery_id: str = Field(primary_key=True)
    webhook_id: str = Field(foreign_key="webhooks.webhook_id")
    task_id: str
    revision: int
    due_at: datetime = Field(sa_type=UtcDateTime)
    attempts: int = 0
