"""The tables of the reviewers' desk: instructions that were read."""

from datetime import datetime

from sqlmodel import Field

from services.review_queue.tables import Base, Json
from shared.db import UtcDateTime


class SessionRow(Base, table=True):
    """A browser that has entered; of its cookie only the digest is kept. `projects` null: all.

    The session ends when `key_id`, the key of the token that it comes from, is removed, and when
    the link `link_id` is revoked, if it comes from one.

    Written by the release before alone, whose pages may run beside this one: the table goes with
    the release after this.
    """

    __tablename__ = "ui_sessions"

    session_digest: str = Field(primary_key=True)
    subject: str
    role: str
    projects: list[str] | None = Field(default=None, sa_type=Json)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    key_id: str | None = None
    link_id: str | None = None


class AcknowledgementRow(Base, table=True):
    """The newest revision of a project's instructions that a reviewer says to have read."""

    __tablename__ = "ui_acknowledgements"

    project: str = Field(primary_key=True, foreign_key="projects.name")
    reviewer: str = Field(primary_key=True)
    instructions_revision: int
    acknowledged_at: datetime = Field(sa_type=UtcDateTime)
