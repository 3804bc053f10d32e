"""This service's own problems."""

from datetime import datetime
from typing import Any

from shared.contracts.base import rfc3339
from shared.problems import Conflict, Forbidden, Gone


class LeaseExpired(Conflict):
    """The token is not, or no longer, a claim on its task.

    Extensions `task_id`, `state` and `outcome` say what became of the task, where that is known.
    """

    kind, title = "lease-expired", "Lease has ended"

    def __init__(self, detail: str, **extensions: Any) -> None:
        super().__init__(detail, **{"task_id": None, "state": None, "outcome": None} | extensions)


class FeedRestarted(Conflict):
    """The cursor is of the feed as it was before the review queue's database was restored.

    Extension `epoch` is that of the feed as it is now.
    """

    kind, title = "feed-restarted", "Feed was restarted"

    def __init__(self, epoch: int) -> None:
        super().__init__(
            "The review queue's database was restored. Read the feed again from its start, without"
            " `after`, and let each row replace what you have of its item, whatever its revision.",
            epoch=epoch,
        )


class ReviewerPaused(Forbidden):
    """The reviewer gets no tasks in this project until an operator lifts the pause.

    Extensions `reason` and `paused_at` say why, and since when.
    """

    kind, title = "reviewer-paused", "Reviewer is paused"


class ItemErased(Gone):
    """The item was erased on request; nothing of it is left to act on."""

    kind, title = "item-erased", "Item was erased"

    def __init__(self, item_id: str, erased_at: datetime) -> None:
        super().__init__(
            "The item was erased on request, and its id is not used again.",
            item_id=item_id,
            erased_at=rfc3339(erased_at),
        )
