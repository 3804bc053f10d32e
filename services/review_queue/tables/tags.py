"""The table of reviewers' tags."""

from sqlalchemy import Index
from sqlmodel import Field

from services.review_queue.tables import Base


class ReviewerTagsRow(Base, table=True):
    """Needs of tasks that a reviewer covers. Those of a single tag are the reviewer's tags."""

    __tablename__ = "reviewer_tags"
    __table_args__ = (Index("reviewer_tags_by_needs", "project", "needs"),)

    project: str = Field(primary_key=True, foreign_key="projects.name")
    reviewer: str = Field(primary_key=True)
    needs: str = Field(primary_key=True)
