"""The tables of the reviewers' page: links, sessions, instructions that were read."""

from datetime import datetime

from sqlmodel import Field

from services.review_queue.tables import Base, Json
from shared.db import UtcDateTime


class LinkRow(Base, table=True):
    """A link that opens the page for one reviewer, once. Of its code only the digest is kept.

    `key_id` names the key of the token that made it; null in rows of the release before.
    """

    __tablename__ = "ui_links"

    code_digest: str = Field(primary_key=True)
    project: str = Field(foreign_key="projects.name")
    reviewer: str
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    key_id: str | None = None


class SessionRow(Base, table=True):
    """A browser that has entered; of its cookie only the digest is kept. `projects` null: all.

    The session ends when `key_id`, the key of the token that it comes from, is removed.
    """

    __tablename__ = "ui_sessions"

    session_digest: str = Field(primary_key=True)
    subject: str
    role: str
    projects: list[str] | None = Field(default=None, sa_type=Json)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    key_id: str | None = None


class AcknowledgementRow(Base, table=True):
    """The newest revision of a project's instructions that a reviewer says to have read."""

    __tablename__ = "ui_acknowledgements"

    project: str = Field(primary_key=True, foreign_key="projects.name")
    reviewer: str = Field(primary_key=True)
    instructions_revision: int
    acknowledged_at: datetime = Field(sa_type=UtcDateTime)
