"""Bodies of the datasets' routes."""

from typing import Literal

from shared.contracts.base import Message, UtcTime

ChangeKind = Literal["added", "removed", "relabelled"]


class DatasetView(Message):
    """A frozen snapshot; `path` lies in the store, and lacks `erased` of its `items`."""

    dataset_id: str
    path: str
    items: int
    erased: int
    labels: dict[str, int]
    outcomes_cursor: str | None
    created_at: UtcTime


class Datasets(Message):
    """A page of datasets, newest first."""

    datasets: list[DatasetView]
    cursor: str | None


class DatasetChange(Message):
    """An item that two snapshots differ in, with its labels there; null where it is missing."""

    item_id: str
    change: ChangeKind
    before: str | None
    after: str | None


class DatasetDiff(Message):
    """What a snapshot has and has not that the one `against` has.

    `changes` has the first 1,000 items by id; the counts are of all.
    """

    dataset_id: str
    against: str
    added: int
    removed: int
    relabelled: int
    changes: list[DatasetChange]
