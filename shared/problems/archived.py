"""The refusal of projects that are archived."""

from shared.problems import Conflict


class ProjectArchived(Conflict):
    """The project is archived: nothing new is taken, and nothing in it changes."""

    kind, title = "project-archived", "Project is archived"
    advice = "The project is read-only; an operator may unarchive it at the review queue."

    def __init__(self, project: str) -> None:
        super().__init__(project=project)
