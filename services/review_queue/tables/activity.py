"""The table of the activity log."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, Index

from services.review_queue.tables import Base, Json, Serial, table_of
from shared.db import UtcDateTime


class ActivityRow(Base, table=True):
    """One action. The database refuses to change or to remove the row.

    `project` is null for an action in several projects or in all. `detail` never holds an item's
    content or what people wrote about it: an erasure could not take it out again.
    """

    __tablename__ = "activity"
    __table_args__ = (
        Index("activity_by_project", "project", "entry_id"),
        Index("activity_by_actor", "project", "actor", "entry_id"),
    )

    entry_id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    project: str | None = None
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str | None = None
    role: str | None = None
    token_id: str | None = None
    action: str
    target: str | None = None
    detail: dict[str, Any] = Field(default={}, sa_type=Json)


ACTIVITY = table_of(ActivityRow)
