"""What the review queue says of items, as the router reads it."""

from typing import Any, Literal, get_args

import structlog
from pydantic import Field, ValidationInfo, model_validator

from shared.contracts.base import ItemId, Label, Message, UtcTime, is_stored
from shared.contracts.tasks import OutcomeSource, SourceName, has_answer

log = structlog.get_logger()

Status = Literal["in_review", "resolved", "erased", "unknown"]

_STATUSES = get_args(Status)
_SOURCES = get_args(OutcomeSource)


class ItemOutcome(Message):
    """What became of an item; passed on as the review queue says it.

    `data_digest` is that of the data that people saw (SHA-256, hex): compared, never passed on.
    `lane` is that of a task that is in review; a review queue of an older release does not tell.
    """

    item_id: ItemId
    status: Status
    label: Label | None = None
    source: SourceName | None = None
    task_id: str | None = None
    revision: int | None = None
    resolved_at: UtcTime | None = None
    data_digest: str | None = Field(default=None, exclude=True)
    lane: str | None = Field(default=None, exclude=True)

    @classmethod
    def told(cls) -> list[str]:
        """Return the members that are passed on."""
        return [name for name, field in cls.model_fields.items() if not field.exclude]

    @property
    def is_final(self) -> bool:
        """Say whether nothing that the router answered takes its place."""
        return self.status in ("resolved", "erased")

    @property
    def is_audit(self) -> bool:
        """Say whether reviewers are asked about an answer of the model."""
        return self.status == "in_review" and self.lane == "audit"

    @model_validator(mode="before")
    @classmethod
    def _of_known_names(cls, given: Any, info: ValidationInfo) -> Any:
        """Let an item be in review whose status or source a later release has added."""
        if not is_stored(info) or not isinstance(given, dict):
            return given
        if given.get("status") in _STATUSES and given.get("source") in (None, *_SOURCES):
            return given
        log.warning("outcome_unknown", status=given.get("status"), source=given.get("source"))
        return {
            "item_id": given.get("item_id"),
            "task_id": given.get("task_id"),
            "status": "in_review",
        }

    def is_about(self, digest: bytes) -> bool:
        """Say whether people saw the data that an `Entry` has this digest of.

        A review queue of an older release does not tell, and is believed.
        """
        return self.data_digest is None or self.data_digest.startswith(digest.hex())


class ItemOutcomes(Message):
    """What became of many items; those without a task are left out."""

    outcomes: list[ItemOutcome]


class FeedRow(Message):
    """One row of the outcomes feed, as far as those who wait for it need to know."""

    item_id: ItemId
    task_id: str
    revision: int
    label: Label | None
    source: SourceName
    verdicts: int
    resolved_at: UtcTime
    erased: bool = False
    data_digest: str | None = None

    def outcome(self) -> ItemOutcome:
        """Return what became of the item: without a label, verdicts and expiry it waits again."""
        names = {"item_id", "task_id", "revision"}
        if self.erased:
            return ItemOutcome(status="erased", **self.model_dump(include=names))
        names.add("data_digest")
        is_over = has_answer(self.label, self.verdicts) or self.source == "expiry"
        if self.source not in _SOURCES or not is_over:
            return ItemOutcome(status="in_review", **self.model_dump(include=names))
        names |= {"label", "source", "resolved_at"}
        return ItemOutcome(status="resolved", **self.model_dump(include=names))


class QueueForecast(Message):
    """What the review queue expects, as far as it decides on optional reviews."""

    optional_delay_seconds: float | None = None


class FeedPage(Message):
    """A page of the outcomes feed."""

    outcomes: list[FeedRow]
    cursor: str
