"""The table of project changes."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer
from sqlmodel import Field

from services.review_queue.tables import Base
from shared.db import UtcDateTime


class ProjectChangeRow(Base, table=True):
    """A revision of a project that was put into the store; only ever added.

    `position` is its place in the feed of changes, null until given.
    """

    __tablename__ = "project_changes"

    change_id: int | None = Field(
        default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite")
    )
    position: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    project: str = Field(foreign_key="projects.name", index=True)
    revision: int
    at: datetime = Field(sa_type=UtcDateTime)
