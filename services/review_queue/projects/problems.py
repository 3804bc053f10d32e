"""What edits of projects are refused with."""

from shared.problems import Conflict


class ProjectBeingDeleted(Conflict):
    """What a deleted project of this name has left is still being removed."""

    kind, title = "project-being-deleted", "Project is being deleted"
    advice = "The rows of the deleted project are still being removed; try again in a moment."


class StaleRevision(Conflict):
    """The project is not at the revision that was to be edited."""


class LabelsInUse(Conflict):
    """Labels are removed that tasks use."""

    kind, title = "labels-in-use", "Tasks use labels that the edit removes"
    advice = (
        "Keep these labels, or say in label_mapping which labels take their place, or add "
        "allow_label_removal=true to the query: their votes and suggestions then no longer count, "
        "and resolved items are asked again when they come again."
    )
