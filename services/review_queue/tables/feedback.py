"""The table of feedback."""

from datetime import datetime

from sqlmodel import Field, Index

from services.review_queue.tables import Base, Serial
from shared.db import UtcDateTime


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
