"""The outcomes among which suspects are looked for."""

from collections.abc import AsyncGenerator
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.quality.agreement.repository import is_newest
from services.review_queue.repository.statements import stream, table_of
from services.review_queue.tables import OutcomeRow, TaskRow
from shared.contracts.tasks import EVIDENCE_LANES

_tasks = table_of(TaskRow)
_outcomes = table_of(OutcomeRow)


def scored_outcomes(
    session: AsyncSession, project: str, *, up_to: int, limit: int
) -> AsyncGenerator[Row[Any]]:
    """Yield resolved tasks whose prediction has probabilities, the newest first.

    Without evidence: labels that are looked at again where a model doubts them, and left where it
    does not, would speak for the model.

    Columns: task_id, item_id, lane, label, prediction, verdicts, resolved_at.
    """
    statement = (
        select(
            _outcomes.c.task_id,
            _tasks.c.item_id,
            _outcomes.c.lane,
            _outcomes.c.label,
            _outcomes.c.prediction,
            _outcomes.c.verdicts,
            _outcomes.c.resolved_at,
        )
        .join(_tasks, is_newest())
        .where(
            _outcomes.c.project == project,
            _outcomes.c.outcome_id <= up_to,
            _outcomes.c.label.is_not(None),
            _outcomes.c.lane.not_in(sorted(EVIDENCE_LANES)),
            _outcomes.c.prediction["probabilities"].as_string().is_not(None),
        )
        .order_by(_outcomes.c.outcome_id.desc())
        .limit(limit)
    )
    return stream(session, statement)
