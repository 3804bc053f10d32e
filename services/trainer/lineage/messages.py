"""The answer of the lineage's route."""

from typing import Any

from shared.contracts.base import Message, UtcTime


class TrainedOn(Message):
    """The snapshot that a version learned from; null counts where it is gone.

    `policy` is a `DatasetPolicy`, and null for a snapshot of the release before.
    """

    dataset_id: str
    items: int | None
    labels: dict[str, int] | None
    created_at: UtcTime | None
    policy: dict[str, Any] | None = None


class MadeBy(Message):
    """The run that made a version, or its upload."""

    run_id: str
    mode: str
    cause: str | None = None
    reason: str | None = None
    recipe: str
    requested_by: str
    finished_at: UtcTime | None


class ProvedBy(Message):
    """The certification that was in force when the item was decided."""

    certification_id: str
    certified_at: UtcTime | None
    threshold: float | None
    attempt: int
    labels: int | None
    errors: int | None


class AnswerLineage(Message):
    """One decision about the item, and what it rests on.

    `decision` is the row of the decision log with its `explanation`, or what a job decided
    (`source` job). `run` and `dataset` are null for versions that were made elsewhere.
    """

    source: str
    decision: dict[str, Any]
    model_sha256: str | None
    run: MadeBy | None
    dataset: TrainedOn | None
    certificate: ProvedBy | None


class PeopleSaid(Message):
    """The outcome of the item's task, whose timeline `GET …/tasks/{task_id}` of the queue has."""

    task_id: str
    label: str | None
    source: str | None
    verdicts: int | None
    lane: str
    revision: int
    blind: bool
    resolved_at: UtcTime


class ItemLineage(Message):
    """All that an item's answers rest on, the newest decision first."""

    item_id: str
    answers: list[AnswerLineage]
    people: PeopleSaid | None


class SimilarItem(Message):
    """An item that people have labelled; `similarity` is in (0, 1]."""

    item_id: str
    label: str
    similarity: float
    data: dict[str, Any]
    resolved_at: UtcTime


class SimilarItems(Message):
    """The labelled items that are most like one, the most similar first.

    They are searched among the `searched` items that were labelled last.
    """

    item_id: str
    searched: int
    items: list[SimilarItem]
