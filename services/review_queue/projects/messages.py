"""What is answered about projects."""

from shared.contracts.base import Message
from shared.contracts.projects import Project


class ProjectList(Message):
    """A page of projects, by name."""

    projects: list[Project]
    cursor: str | None
