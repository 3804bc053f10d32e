"""What the review queue says of items, as the router reads it."""

from typing import Literal

from pydantic import ConfigDict, Field

from shared.contracts.base import ItemId, Label, Message, UtcTime
from shared.contracts.tasks import OutcomeSource


class ItemOutcome(Message):
    """What became of an item; passed on as the review queue says it.

    `data_digest` is that of the data that people saw (SHA-256, hex): compared, never passed on.
    """

    # The review queue may say more one day, and a router is not updated in the same moment.
    model_config = ConfigDict(extra="ignore")

    item_id: ItemId
    status: Literal["in_review", "resolved", "erased", "unknown"]
    label: Label | None = None
    source: OutcomeSource | None = None
    task_id: str | None = None
    revision: int | None = None
    resolved_at: UtcTime | None = None
    data_digest: str | None = Field(default=None, exclude=True)

    def is_about(self, digest: bytes) -> bool:
        """Say whether people saw the data that an `Entry` has this digest of.

        A review queue of an older release does not tell, and is believed.
        """
        return self.data_digest is None or self.data_digest.startswith(digest.hex())


class ItemOutcomes(Message):
    """What became of many items; those that nobody was asked about are left out."""

    model_config = ConfigDict(extra="ignore")

    outcomes: list[ItemOutcome]


class FeedRow(Message):
    """One row of the outcomes feed, as far as those who wait for it need to know."""

    model_config = ConfigDict(extra="ignore")

    item_id: ItemId
    task_id: str
    revision: int
    label: Label | None
    source: OutcomeSource
    verdicts: int
    resolved_at: UtcTime
    erased: bool = False
    data_digest: str | None = None

    def outcome(self) -> ItemOutcome:
        """Return what became of the item: without a label, verdicts and expiry it waits again."""
        if self.erased:
            return ItemOutcome(
                item_id=self.item_id,
                status="erased",
                task_id=self.task_id,
                revision=self.revision,
            )
        resolved = self.label is not None or self.verdicts > 0 or self.source == "expiry"
        return ItemOutcome(
            item_id=self.item_id,
            status="resolved" if resolved else "in_review",
            label=self.label,
            source=self.source if resolved else None,
            task_id=self.task_id,
            revision=self.revision,
            resolved_at=self.resolved_at if resolved else None,
            data_digest=self.data_digest,
        )


class FeedPage(Message):
    """A page of the outcomes feed."""

    model_config = ConfigDict(extra="ignore")

    outcomes: list[FeedRow]
    cursor: str
