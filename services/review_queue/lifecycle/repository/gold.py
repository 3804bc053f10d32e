"""Which items are gold: the one place that says so.

A task is gold while it is resolved and its label does not come from the reviewers who are tested by
it: an adjudicator decided it in lane `gold`, or an operator vouches for its label. A label that
is corrected, or taken back, is known no longer.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from services.review_queue.tables import TASKS
from services.review_queue.tables.gold import GOLD
from shared.db import Session

predicted = TASKS.c.prediction["label"].as_string()
# Written out, not bound: otherwise neither database sees that the index of just these tasks serves.
decided = sa.and_(
    TASKS.c.lane == sa.literal_column("'gold'"),
    TASKS.c.source == sa.literal_column("'adjudicator'"),
    TASKS.c.label.is_not(None),
)
# An erased item has its label still, and nothing to ask about.
_stands = sa.and_(TASKS.c.state == "resolved", TASKS.c.erased_at.is_(None))
kind = sa.case(
    (predicted.is_(None), "no_prediction"),
    (predicted == TASKS.c.label, "model_right"),
    else_="model_wrong",
)


def known(project: str) -> sa.CompoundSelect[Any]:
    """Select a project's gold.

    Columns: task_id, item_id, label, kind, explanation, added_by (null: by adjudication), added_at.
    """
    common = (TASKS.c.task_id, TASKS.c.item_id, TASKS.c.label, kind.label("kind"))
    vouched: sa.Select[Any] = (
        sa.select(*common, GOLD.c.explanation, GOLD.c.added_by, GOLD.c.added_at)
        .join(TASKS, TASKS.c.task_id == GOLD.c.task_id)
        .where(
            GOLD.c.project == project,
            GOLD.c.retired_at.is_(None),
            _stands,
            TASKS.c.label == GOLD.c.label,
        )
    )
    nothing = sa.null().cast(sa.String)
    adjudicated: sa.Select[Any] = (
        sa.select(
            *common,
            nothing.label("explanation"),
            nothing.label("added_by"),
            TASKS.c.resolved_at.label("added_at"),
        )
        .outerjoin(GOLD, GOLD.c.task_id == TASKS.c.task_id)
        .where(
            TASKS.c.project == project,
            decided,
            _stands,
            # Retired, or vouched for with a label that the task has no longer: see above.
            sa.or_(
                GOLD.c.task_id.is_(None),
                sa.and_(GOLD.c.retired_at.is_(None), GOLD.c.label != TASKS.c.label),
            ),
        )
    )
    return sa.union_all(vouched, adjudicated)


async def labels(session: Session, project: str) -> dict[str, str]:
    """Return the known label of each gold task, by task."""
    rows = known(project).subquery()
    found = await session.execute(sa.select(rows.c.task_id, rows.c.label))
    return {row.task_id: str(row.label) for row in found}


async def number(session: Session, project: str, labels: Sequence[str]) -> int:
    """Return how many gold tasks there are whose label is among `labels`."""
    rows = known(project).subquery()
    counted = sa.select(sa.func.count()).select_from(rows).where(rows.c.label.in_(labels))
    return (await session.execute(counted)).scalar_one()


async def is_gold(session: Session, project: str, task_id: str | None = None) -> bool:
    """Say whether a task of the project is gold, by default any."""
    rows = known(project).subquery()
    found = sa.select(rows.c.task_id).limit(1)
    found = found if task_id is None else found.where(rows.c.task_id == task_id)
    return (await session.execute(found)).first() is not None
