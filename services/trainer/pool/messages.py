"""Bodies of the pool's routes."""

from typing import Literal

from pydantic import Field

from shared.contracts.base import Message


class RejectedLine(Message):
    """A line of an import that is not an item; lines are counted from 1, a header included."""

    line: int
    detail: str


class PoolImport(Message):
    """The answer of ``POST …/pool``; `rejected` shows the first 1,000 of `rejected_count`."""

    imported: int
    duplicates: int
    rejected_count: int
    rejected: list[RejectedLine]


class PoolCounts(Message):
    """The answer of ``GET …/pool``; `labelled` are those that people gave a label, and
    `answered` those that a certified version did.
    """

    waiting: int
    asked: int
    passed: int
    answered: int
    refused: int
    erased: int
    labelled: int
    total: int


class BatchRequest(Message):
    """The body of ``POST …/pool/batches``."""

    strategy: Literal["random", "auto"] = "auto"
    size: int = Field(ge=1, le=100_000)


class BatchReceipt(Message):
    """The answer of ``POST …/pool/batches``."""

    tasks: int
