"""The tables of people: links, sessions, instructions that were read, tags, feedback."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from services.review_queue.tables import Base, Json, Serial, partial_index, table_of
from shared.db import UtcDateTime


class LinkRow(Base, table=True):
    """A link that gives a token, or opens the pages, to `reviewer`, once.

    Only the digest of its code is kept; it is also the link's id. `project` is null for a link to
    several `projects`, or to all (null). `key_id` names the key of the token that made it; null in
    rows of earlier releases. Its tokens are good for `hours` each.
    """

    __tablename__ = "ui_links"
    __table_args__ = (
        Index("links_by_project", "project", "created_at", "code_digest"),
        partial_index("links_revoked", "revoked_at", where="revoked_at IS NOT NULL"),
    )

    code_digest: str = Field(primary_key=True)
    project: str | None = Field(default=None, foreign_key="projects.name")
    projects: list[str] | None = Field(default=None, sa_type=Json)
    reviewer: str
    role: str = Field(default="reviewer", sa_column_kwargs={"server_default": "reviewer"})
    hours: float = Field(default=12.0, sa_column_kwargs={"server_default": "12"})
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    requested_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    key_id: str | None = None


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


class ReviewerTagsRow(Base, table=True):
    """Needs of tasks that a reviewer covers. Those of a single tag are the reviewer's tags."""

    __tablename__ = "reviewer_tags"
    __table_args__ = (Index("reviewer_tags_by_needs", "project", "needs"),)

    project: str = Field(primary_key=True, foreign_key="projects.name")
    reviewer: str = Field(primary_key=True)
    needs: str = Field(primary_key=True)


class FeedbackRow(Base, table=True):
    """One remark, and its answer. `task_id` or `label` say what it is about, if anything."""

    __tablename__ = "feedback"
    __table_args__ = (Index("feedback_by_project", "project", "feedback_id"),)

    feedback_id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    project: str = Field(foreign_key="projects.name")
    about: str
    task_id: str | None = None
    label: str | None = None
    instructions_revision: int
    text: str
    author: str
    given_at: datetime = Field(sa_type=UtcDateTime)
    answer: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


LINKS = table_of(LinkRow)
SESSIONS = table_of(SessionRow)
ACKNOWLEDGEMENTS = table_of(AcknowledgementRow)
TAGS = table_of(ReviewerTagsRow)
FEEDBACK = table_of(FeedbackRow)
