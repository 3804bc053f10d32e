"""Bodies of the pool's routes."""

from typing import Any, Literal

from pydantic import Field

from shared.contracts.base import MAX_BATCH, ItemId, Message, UtcTime


class RejectedLine(Message):
    """A line of an import that is not an item; lines are counted from 1, a header included."""

    line: int
    detail: str


class DuplicateLine(Message):
    """A line of an import whose item, or whose content, the pool has already as `same_as`."""

    line: int
    item_id: str
    same_as: str


class PoolImport(Message):
    """The answer of ``POST …/pool``: lists show the first 1,000 of what is counted."""

    imported: int
    duplicates: int
    duplicates_shown: list[DuplicateLine]
    rejected_count: int
    rejected: list[RejectedLine]


class PoolCounts(Message):
    """The answer of ``GET …/pool``; `labelled` are those that people gave a label, and
    `answered` those that a certified version did. `reserved` of the `waiting` items were set aside
    at import, for measuring and certifying.
    """

    waiting: int
    reserved: int
    asked: int
    passed: int
    answered: int
    refused: int
    erased: int
    labelled: int
    total: int


PoolState = Literal["waiting", "reserved", "asked", "passed", "answered", "refused"]


class PooledItem(Message):
    """An item of the pool; `arm` says how a batch chose it, null where none did."""

    item_id: str
    data: dict[str, Any]
    metadata: dict[str, str] = Field(validation_alias="item_metadata")
    state: str
    batch_id: str | None
    arm: str | None
    imported_at: UtcTime


class PooledItems(Message):
    """A page of the pool, in its random order."""

    items: list[PooledItem]
    cursor: str | None


class Removal(Message):
    """The body of ``POST …/pool/removals``: ids of items that are to leave the pool."""

    item_ids: list[ItemId] = Field(min_length=1, max_length=MAX_BATCH)


class RemovedItem(Message):
    """What became of one: `removed`, `unknown`, or the state that keeps it in the pool."""

    item_id: str
    status: str


class RemovedItems(Message):
    """The answer of ``POST …/pool/removals``, one entry an id, in order."""

    items: list[RemovedItem]
