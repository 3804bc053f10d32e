"""What an item's answers rest on."""

from datetime import datetime
from typing import Any

from surehand.models.base import Model


class TrainedOn(Model):
    """The snapshot that a version learned from."""

    dataset_id: str
    items: int | None = None
    labels: dict[str, int] | None = None
    created_at: datetime | None = None
    policy: dict[str, Any] | None = None


class MadeBy(Model):
    """The run that made a version."""

    run_id: str
    mode: str
    cause: str | None = None
    reason: str | None = None
    recipe: str
    requested_by: str
    finished_at: datetime | None = None


class ProvedBy(Model):
    """The certification that was in force when the item was decided."""

    certification_id: str
    certified_at: datetime | None = None
    threshold: float | None = None
    attempt: int
    labels: int | None = None
    errors: int | None = None


class AnswerLineage(Model):
    """One decision, by ``predict`` or a ``job`` (`source`), and what it rests on."""

    source: str
    decision: dict[str, Any]
    model_sha256: str | None = None
    run: MadeBy | None = None
    dataset: TrainedOn | None = None
    certificate: ProvedBy | None = None


class PeopleSaid(Model):
    """What people said of the item."""

    task_id: str
    label: str | None = None
    source: str | None = None
    verdicts: int | None = None
    lane: str
    revision: int
    blind: bool
    resolved_at: datetime


class ItemLineage(Model):
    """All that an item's answers rest on, the newest decision first."""

    item_id: str
    answers: list[AnswerLineage]
    people: PeopleSaid | None = None


class SimilarItem(Model):
    """An item that people have labelled; `similarity` is in (0, 1]."""

    item_id: str
    label: str
    similarity: float
    data: dict[str, Any]
    resolved_at: datetime


class SimilarItems(Model):
    """The labelled items that are most like one, of the `searched` that were labelled last."""

    item_id: str
    searched: int
    items: list[SimilarItem]
