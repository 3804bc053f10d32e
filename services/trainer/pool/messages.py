"""Bodies of the pool's routes."""

from shared.contracts.base import Message


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
