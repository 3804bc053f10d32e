"""Problems of items that go to people."""

from collections.abc import Iterable

from shared.problems import Conflict, Gone, Unavailable


class ItemConflict(Conflict):
    """Items of the call are known to people with other data."""

    kind = "item-conflict"

    def __init__(self, errors: Iterable[tuple[str, str]]) -> None:
        listed = [{"pointer": pointer, "detail": fault} for pointer, fault in errors]
        super().__init__(
            "Give new data a new item_id, or send the data that people were asked about.",
            errors=listed,
        )


class ItemErased(Gone):
    """The item was erased on request."""

    kind, title = "item-erased", "Item was erased"

    def __init__(self, item_id: str) -> None:
        super().__init__(
            "The item was erased on request, and its id is not used again.", item_id=item_id
        )


class QueueUnreachable(Unavailable):
    """The review queue is away."""

    kind = "review-queue-unreachable"

    def __init__(self) -> None:
        super().__init__("The review queue is away; ask again.")
