"""What became of items: what is asked and answered."""

from typing import Annotated, Literal

from pydantic import Field

from services.review_queue.tables import OutcomeRow, TaskRow
from shared.contracts.base import MAX_BATCH, ItemId, Label, Message, UtcTime, from_stored
from shared.contracts.tasks import Outcome, SourceName


class ItemOutcome(Message):
    """What became of an item. Unless it is resolved it has neither label nor source.

    `data_digest` is that of the data that people saw, SHA-256 in hex; an erased item has none.
    """

    item_id: str
    status: Literal["in_review", "resolved", "erased"]
    label: Label | None
    source: SourceName | None
    task_id: str
    revision: int
    resolved_at: UtcTime | None
    data_digest: str | None


class ItemQuery(Message):
    """The body of ``POST …/outcomes``: the items that are asked about."""

    item_ids: Annotated[list[ItemId], Field(min_length=1, max_length=MAX_BATCH)]


class ItemOutcomes(Message):
    """What became of the items that people were asked about, in the order of the query."""

    outcomes: list[ItemOutcome]


def outcome_message(row: OutcomeRow, task: TaskRow, *, brief: bool = False) -> Outcome:
    """Return a revision as the feed gives it; with `brief` without what may be large."""
    prediction = None if brief else row.prediction
    return from_stored(
        Outcome,
        {
            "item_id": task.item_id,
            "task_id": row.task_id,
            "revision": row.revision,
            "data": {} if brief else task.data,
            "metadata": {} if brief else task.item_metadata,
            "lane": row.lane,
            "label": row.label,
            "source": row.source,
            "verdicts": row.verdicts,
            "blind": row.blind,
            "prediction": prediction,
            "instructions_revision": row.instructions_revision,
            "resolved_at": row.resolved_at,
            "trace": task.trace,
            "erased": task.erased_at is not None,
            # In place of the data: a trainer of an older release does not read it.
            "data_digest": (task.data_digest or None) if brief else None,
        },
    )
