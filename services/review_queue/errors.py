"""This service's own problems."""

from typing import Any

from shared.problems import Conflict, Forbidden


class LeaseExpired(Conflict):
    """The token is not, or no longer, a claim on its task.

    Extensions `task_id`, `state` and `outcome` say what became of the task, where that is known.
    """

    kind, title = "lease-expired", "Lease has ended"

    def __init__(self, detail: str, **extensions: Any) -> None:
        super().__init__(detail, **{"task_id": None, "state": None, "outcome": None} | extensions)


class UnknownLease(LeaseExpired):
    """Nobody has an ordinary lease of this token."""


class ReviewerPaused(Forbidden):
    """The reviewer gets no tasks in this project until an operator resumes him.

    Extensions `reason` and `paused_at` say why, and since when.
    """

    kind, title = "reviewer-paused", "Reviewer is paused"
