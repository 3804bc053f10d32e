"""Every statement about how people's answers compare.

An answer stands until it is taken back.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import sqlalchemy as sa

from services.review_queue.repository.statements import count_where, fetch, stream
from services.review_queue.tables import OUTCOMES, TASKS, VERDICTS
from shared.contracts.tasks import REVIEWED_SOURCES
from shared.db import Session

# Older verdicts are of other instructions, and often of other people.
MOST_VERDICTS = 250_000
MOST_TASKS = MOST_OUTCOMES = 50_000

_COMPARED = ("verdict_id", "task_id", "reviewer", "label", "blind")
stands = VERDICTS.c.withdrawn_at.is_(None)
reviewed = sa.and_(
    TASKS.c.state == "resolved",
    TASKS.c.label.is_not(None),
    TASKS.c.source.in_(REVIEWED_SOURCES),
)
is_verdict = sa.and_(stands, sa.not_(VERDICTS.c.skipped), VERDICTS.c.label.is_not(None))


async def outcome_agreement(
    session: Session, project: str, reviewers: Sequence[str], *, verdicts: int = MOST_VERDICTS
) -> dict[str, tuple[int, int]]:
    """Return (verdicts, of these the outcome's label) on shared, resolved tasks, by reviewer.

    Among the newest `verdicts` of the project. Alone, a reviewer's verdict is the outcome.
    `reviewers` is a page of names in order, without gaps.
    """
    newest = newest_verdicts(project, verdicts)
    shared = _shared(newest).cte("shared")
    # A page of names: SQLite would look each up for each task if it were a list of them.
    ends = reviewers[0], reviewers[-1]
    statement = (
        sa.select(newest.c.reviewer, sa.func.count(), count_where(newest.c.label == TASKS.c.label))
        .join(shared, shared.c.task_id == newest.c.task_id)
        .join(TASKS, TASKS.c.task_id == newest.c.task_id)
        .where(reviewed, newest.c.reviewer.between(*ends))
        .group_by(newest.c.reviewer)
    )
    rows = await session.execute(statement)
    return {reviewer: (number, right) for reviewer, number, right in rows}


def shared_verdicts(
    session: Session, project: str, *, tasks: int = MOST_TASKS, verdicts: int = MOST_VERDICTS
) -> AsyncGenerator[sa.Row[Any]]:
    """Yield (task_id, reviewer, label) of the newest tasks that two reviewers or more answered.

    At most so many `tasks`, among the newest `verdicts` of the project; each task's in their order.
    """
    newest = newest_verdicts(project, verdicts)
    shared = _shared(newest).order_by(sa.desc("newest")).limit(tasks).cte("shared")
    statement = (
        sa.select(newest.c.task_id, newest.c.reviewer, newest.c.label)
        .join(shared, shared.c.task_id == newest.c.task_id)
        .order_by(newest.c.verdict_id)
    )
    return stream(session, statement)


def newest_verdicts(project: str, verdicts: int = MOST_VERDICTS) -> sa.CTE:
    """Return the project's newest `verdicts` that stand: they bound every comparison."""
    # Not a join: SQLite would begin with all tasks of the project, and sort all their verdicts.
    in_project = sa.exists().where(
        TASKS.c.task_id == VERDICTS.c.task_id, TASKS.c.project == project
    )
    return (
        sa.select(*(VERDICTS.c[name] for name in _COMPARED))
        .where(is_verdict, in_project)
        .order_by(VERDICTS.c.verdict_id.desc())
        .limit(verdicts)
        .cte("newest_verdicts")
    )


async def count_verdicts(session: Session, project: str) -> int:
    """Count the project's newest verdicts that stand, up to `MOST_VERDICTS`."""
    newest = newest_verdicts(project)
    return int((await session.execute(sa.select(sa.func.count()).select_from(newest))).scalar_one())


def _shared(newest: sa.CTE) -> sa.Select[Any]:
    return (
        sa.select(newest.c.task_id, sa.func.max(newest.c.verdict_id).label("newest"))
        .group_by(newest.c.task_id)
        .having(sa.func.min(newest.c.reviewer) != sa.func.max(newest.c.reviewer))
    )


async def version_labels(session: Session, project: str) -> Sequence[sa.Row[Any]]:
    """Return (model_version, blind, predicted, label, number) of the newest resolved tasks."""
    version, predicted = _said(OUTCOMES.c.prediction)
    newest = (
        sa.select(version, OUTCOMES.c.blind, predicted, OUTCOMES.c.label)
        .join(TASKS, is_newest())
        .where(
            OUTCOMES.c.project == project,
            OUTCOMES.c.label.is_not(None),
            OUTCOMES.c.source.in_(REVIEWED_SOURCES),
            version.is_not(None),
            predicted.is_not(None),
        )
        .order_by(OUTCOMES.c.outcome_id.desc())
        .limit(MOST_OUTCOMES)
        .subquery()
    )
    return await fetch(session, _counted(newest))


async def version_verdicts(session: Session, project: str) -> Sequence[sa.Row[Any]]:
    """Return (model_version, reviewer, blind, predicted, label, number) of the newest verdicts.

    Of those on tasks that a version had labelled.
    """
    newest = newest_verdicts(project, MOST_OUTCOMES)
    version, predicted = _said(TASKS.c.prediction)
    given = (
        sa.select(version, newest.c.reviewer, newest.c.blind, predicted, newest.c.label)
        .join(TASKS, TASKS.c.task_id == newest.c.task_id)
        .where(version.is_not(None), predicted.is_not(None))
        .subquery()
    )
    return await fetch(session, _counted(given))


def _said(prediction: sa.Column[Any]) -> tuple[sa.Label[str], sa.Label[str]]:
    """Return the version that a prediction is of, and the label that it has."""
    version, label = prediction["model_version"], prediction["label"]
    return version.as_string().label("model_version"), label.as_string().label("predicted")


def _counted(rows: sa.Subquery) -> sa.Select[Any]:
    """Select the different rows, each with its `number`."""
    return sa.select(*rows.c, sa.func.count().label("number")).group_by(*rows.c)


def is_newest() -> sa.ColumnElement[bool]:
    """Say that an outcome is its task's newest, and that the task is resolved."""
    return sa.and_(
        TASKS.c.task_id == OUTCOMES.c.task_id,
        TASKS.c.revision == OUTCOMES.c.revision,
        TASKS.c.state == "resolved",
    )


async def verdicts_mark(session: Session, project: str) -> tuple[Any, ...]:
    """Return a value that changes whenever the newest verdicts that stand do.

    Verdicts only come at the top, and only leave: their number and their ends tell of both.
    """
    place = newest_verdicts(project).c.verdict_id
    ends = sa.select(sa.func.count(), sa.func.min(place), sa.func.max(place))
    return tuple((await session.execute(ends)).one())


async def outcomes_mark(session: Session, project: str) -> tuple[int, int]:
    """Return how many outcomes there are, and the newest's number, 0 when there is none.

    Whatever becomes of a resolved task, it is a new outcome.
    """
    newest = sa.func.coalesce(sa.func.max(OUTCOMES.c.outcome_id), 0)
    statement = sa.select(sa.func.count(), newest).where(OUTCOMES.c.project == project)
    number, last = (await session.execute(statement)).one()
    return number, last
