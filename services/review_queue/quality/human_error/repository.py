"""Every statement that counts reviewers' errors."""

from collections.abc import Sequence

from sqlalchemy import func, select

from services.review_queue.quality.agreement.repository import newest_verdicts
from services.review_queue.quality.gold.repository.scores import answered
from services.review_queue.repository.statements import count_where
from services.review_queue.tables import TASKS
from services.review_queue.tables.gold import PROBES
from shared.db import Session


async def misses(session: Session, project: str, labels: Sequence[str]) -> tuple[int, int]:
    """Return how many gold items the model got wrong and reviewers answered, and on how many wrong.

    The newest answer to each item counts: several answers to one item are not independent.
    """
    number = func.row_number().over(
        partition_by=PROBES.c.task_id, order_by=(PROBES.c.ended_at.desc(), PROBES.c.token)
    )
    newest = (
        select(PROBES.c.label, PROBES.c.expected, number.label("number"))
        .join(TASKS, TASKS.c.task_id == PROBES.c.task_id)
        .where(
            PROBES.c.project == project,
            PROBES.c.kind == "model_wrong",
            PROBES.c.suggestion.is_(None),
            answered,
            TASKS.c.label == PROBES.c.expected,
            TASKS.c.label.in_(labels),
        )
        .subquery()
    )
    statement = select(func.count(), count_where(newest.c.label != newest.c.expected)).where(
        newest.c.number == 1
    )
    asked, missed = (await session.execute(statement)).one()
    return int(asked), int(missed)


async def disagreements(session: Session, project: str) -> tuple[int, int]:
    """Return how many items two reviewers answered blind, and on how many the first two differ.

    Without second opinions: these are asked for only where the first answer is doubted.
    """
    given = newest_verdicts(project)
    number = func.row_number().over(partition_by=given.c.task_id, order_by=given.c.verdict_id)
    numbered = (
        select(given.c.task_id, given.c.label, number.label("number"))
        .join(TASKS, TASKS.c.task_id == given.c.task_id)
        .where(given.c.blind.is_(True), TASKS.c.second_opinion.is_(False))
        .subquery()
    )
    pairs = (
        select(
            func.min(numbered.c.label).label("first"), func.max(numbered.c.label).label("second")
        )
        .where(numbered.c.number <= 2)
        .group_by(numbered.c.task_id)
        .having(func.count() == 2)
        .subquery()
    )
    statement = select(func.count(), count_where(pairs.c.first != pairs.c.second))
    compared, disagreed = (await session.execute(statement.select_from(pairs))).one()
    return int(compared), int(disagreed)
