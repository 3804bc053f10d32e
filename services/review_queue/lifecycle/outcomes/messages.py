"""What became of items: what is asked and answered."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import MAX_BATCH, ItemId, Label, Message, UtcTime
from shared.contracts.tasks import SourceName


class ItemOutcome(Message):
    """What became of an item. Unless it is resolved it has neither label nor source.

    `data_digest` is that of the data that people saw, SHA-256 in hex; an erased item has none.
    """

    item_id: str
    status: Literal["in_review", "resolved", "erased"]
    label: Label | None
    source: SourceName | None
    task_id: str
    revision: int
    resolved_at: UtcTime | None
    data_digest: str | None


class ItemQuery(Message):
    """The body of ``POST …/outcomes``: the items that are asked about."""

    item_ids: Annotated[list[ItemId], Field(min_length=1, max_length=MAX_BATCH)]


class ItemOutcomes(Message):
    """What became of the items that people were asked about, in the order of the query."""

    outcomes: list[ItemOutcome]
