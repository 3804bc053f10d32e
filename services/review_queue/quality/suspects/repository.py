"""The outcomes among which suspects are looked for."""

from collections.abc import AsyncGenerator
from typing import Any

from sqlalchemy import Row, func, select, true

from services.review_queue.quality.agreement.repository import is_newest, newest_verdicts, reviewed
from services.review_queue.repository.statements import stream
from services.review_queue.tables import OUTCOMES, TASKS
from shared.contracts.tasks import EVIDENCE_LANES, REVIEWED_SOURCES
from shared.db import Session

_GIVEN = ("task_id", "lane", "label", "prediction", "verdicts", "resolved_at")


def labelled_outcomes(
    session: Session, project: str, *, up_to: int, limit: int, only_scored: bool
) -> AsyncGenerator[Row[Any]]:
    """Yield tasks that people gave a label, the newest first; without those of erased items.

    With `only_scored` those whose prediction has probabilities.

    Without evidence: labels that are looked at again where a model doubts them, and left where it
    does not, would speak for the model.

    Columns: task_id, item_id, lane, label, prediction, verdicts, resolved_at.
    """
    scored = OUTCOMES.c.prediction["probabilities"].as_string().is_not(None)
    statement = (
        select(TASKS.c.item_id, *(OUTCOMES.c[name] for name in _GIVEN))
        .join(TASKS, is_newest())
        .where(
            OUTCOMES.c.project == project,
            OUTCOMES.c.outcome_id <= up_to,
            OUTCOMES.c.label.is_not(None),
            OUTCOMES.c.source.in_(REVIEWED_SOURCES),
            OUTCOMES.c.lane.not_in(sorted(EVIDENCE_LANES)),
            TASKS.c.erased_at.is_(None),
            scored if only_scored else true(),
        )
        .order_by(OUTCOMES.c.outcome_id.desc())
        .limit(limit)
    )
    return stream(session, statement)


def given_labels(session: Session, project: str) -> AsyncGenerator[Row[Any]]:
    """Yield task_id, reviewer and label of the project's newest verdicts that stand."""
    newest = newest_verdicts(project)
    return stream(session, select(newest.c.task_id, newest.c.reviewer, newest.c.label))


async def count_labelled(session: Session, project: str) -> int:
    """Count the tasks that people gave a label, outside evidence."""
    statement = select(func.count()).where(
        TASKS.c.project == project,
        reviewed,
        TASKS.c.lane.not_in(sorted(EVIDENCE_LANES)),
    )
    return int((await session.execute(statement)).scalar_one())
