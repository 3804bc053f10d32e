"""Bodies of the datasets' routes."""

from typing import Literal

from shared.contracts.base import Message, UtcTime

ChangeKind = Literal["added", "removed", "relabelled"]


class DatasetPolicy(Message):
    """How a snapshot was made.

    `mode` is that of the run that froze it first: a run of another mode whose labels weigh the same
    has the same snapshot. `labels` says how verdicts became labels, `weights` how they were
    weighed, with 1 / propensity at most `weight_cap`; `folds` is the number of folds. `lanes`,
    `sources` and `instructions` (revisions of the instructions) have numbers of items.
    `changed_at` is since when the traffic is as it is now, and `new_items` were labelled since.
    """

    mode: str
    labels: str
    weights: str
    weight_cap: float | None
    folds: int | None
    lanes: dict[str, int]
    sources: dict[str, int]
    instructions: dict[str, int]
    changed_at: UtcTime | None
    new_items: int | None


class DatasetView(Message):
    """A frozen snapshot; `path` lies in the store, and lacks `erased` of its `items`.

    `policy` is null for snapshots of the release before.
    """

    dataset_id: str
    path: str
    items: int
    erased: int
    labels: dict[str, int]
    outcomes_cursor: str | None
    created_at: UtcTime
    policy: DatasetPolicy | None = None


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

    `changes` has the first 1,000 items by id; the counts are of all. `policy` and `against_policy`
    say how each was made.
    """

    dataset_id: str
    against: str
    added: int
    removed: int
    relabelled: int
    changes: list[DatasetChange]
    policy: DatasetPolicy | None = None
    against_policy: DatasetPolicy | None = None
