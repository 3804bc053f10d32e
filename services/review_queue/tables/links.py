"""The table of one-time links."""

from datetime import datetime

from sqlalchemy import text
from sqlmodel import Field, Index

from services.review_queue.tables import Base, Json
from shared.db import UtcDateTime

_REVOKED = text("revoked_at IS NOT NULL")


class LinkRow(Base, table=True):
    """A link that gives a token, or opens the pages, to `reviewer`, once.

    Only the digest of its code is kept; it is also the link's id. `project` is null for a link to
    several `projects`, or to all (null). `key_id` names the key of the token that made it; null in
    rows of earlier releases. Its tokens are good for `hours` each.
    """

    __tablename__ = "ui_links"
    __table_args__ = (
        Index("links_by_project", "project", "created_at", "code_digest"),
        Index("links_revoked", "revoked_at", sqlite_where=_REVOKED, postgresql_where=_REVOKED),
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
