"""Bodies of the datasets' routes."""

from shared.contracts.base import Message, UtcTime


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
