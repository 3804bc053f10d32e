"""This service's own problems."""

from typing import Any

from shared.problems import Conflict


class LeaseExpired(Conflict):
    """The token is not, or no longer, a claim on its task.

    Extensions `task_id`, `state` and `outcome` say what became of the task, where that is known.
    """

    kind, title = "lease-expired", "Lease has ended"

    def __init__(self, detail: str, **extensions: Any) -> None:
        super().__init__(detail, **{"task_id": None, "state": None, "outcome": None} | extensions)
