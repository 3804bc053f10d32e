"""A revision of an outcome as its readers get it."""

from services.review_queue.tables import OutcomeRow, TaskRow
from shared.contracts.tasks import Outcome, TaskPrediction


def outcome_message(row: OutcomeRow, task: TaskRow, *, brief: bool = False) -> Outcome:
    """Return a revision as the feed gives it; with `brief` without what may be large."""
    prediction = None if brief else row.prediction
    return Outcome.model_validate(
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
            "prediction": prediction and TaskPrediction.model_validate(prediction),
            "instructions_revision": row.instructions_revision,
            "resolved_at": row.resolved_at,
            "trace": task.trace,
            "erased": task.erased_at is not None,
            # In place of the data: a trainer of an older release does not read it.
            "data_digest": (task.data_digest or None) if brief else None,
        }
    )
