"""Every statement about how people's answers compare.

An answer stands until it is taken back.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    desc,
    exists,
    func,
    not_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.repository.statements import table_of
from services.review_queue.tables import OutcomeRow, TaskRow, VerdictRow
from shared.contracts.tasks import EVIDENCE_LANES

_tasks = table_of(TaskRow)
_verdicts = table_of(VerdictRow)
_outcomes = table_of(OutcomeRow)
# Rows that are held at a time while many are read; other calls have their turn in between.
_READ_AT_ONCE = 200

_stands = _verdicts.c.withdrawn_at.is_(None)
_resolved = and_(_tasks.c.state == "resolved", _tasks.c.label.is_not(None))
_is_verdict = and_(_stands, not_(_verdicts.c.skipped), _verdicts.c.label.is_not(None))


async def outcome_agreement(
    session: AsyncSession, project: str, reviewers: Sequence[str], *, verdicts: int
) -> dict[str, tuple[int, int]]:
    """Return (verdicts, of these the outcome's label) on shared, resolved tasks, by reviewer.

    Among the newest `verdicts` of the project. Alone, a reviewer's verdict is the outcome.
    """
    newest = newest_verdicts(project, verdicts)
    shared = _shared(newest).cte("shared")
    statement = (
        select(newest.c.reviewer, func.count(), _number(newest.c.label == _tasks.c.label))
        .join(shared, shared.c.task_id == newest.c.task_id)
        .join(_tasks, _tasks.c.task_id == newest.c.task_id)
        .where(_resolved, _among(newest.c.reviewer, reviewers))
        .group_by(newest.c.reviewer)
    )
    rows = await session.execute(statement)
    return {reviewer: (number, right) for reviewer, number, right in rows}


def shared_verdicts(
    session: AsyncSession, project: str, *, tasks: int, verdicts: int
) -> AsyncGenerator[Row[Any]]:
    """Yield (task_id, reviewer, label) of the newest tasks that two reviewers or more answered.

    At most so many `tasks`, among the newest `verdicts` of the project; each task's in their order.
    """
    newest = newest_verdicts(project, verdicts)
    shared = _shared(newest).order_by(desc("newest")).limit(tasks).cte("shared")
    statement = (
        select(newest.c.task_id, newest.c.reviewer, newest.c.label)
        .join(shared, shared.c.task_id == newest.c.task_id)
        .order_by(newest.c.verdict_id)
    )
    return _streamed(session, statement)


def newest_verdicts(project: str, verdicts: int) -> CTE:
    """Return the project's newest standing verdicts: what is compared stays bounded."""
    # Not a join: SQLite would begin with all tasks of the project, and sort all their verdicts.
    in_project = exists().where(
        _tasks.c.task_id == _verdicts.c.task_id, _tasks.c.project == project
    )
    return (
        select(
            _verdicts.c.verdict_id,
            _verdicts.c.task_id,
            _verdicts.c.reviewer,
            _verdicts.c.label,
            _verdicts.c.blind,
        )
        .where(_is_verdict, in_project)
        .order_by(_verdicts.c.verdict_id.desc())
        .limit(verdicts)
        .cte("newest_verdicts")
    )


def _shared(newest: CTE) -> Select[Any]:
    return (
        select(newest.c.task_id, func.max(newest.c.verdict_id).label("newest"))
        .group_by(newest.c.task_id)
        .having(func.min(newest.c.reviewer) != func.max(newest.c.reviewer))
    )


async def version_labels(
    session: AsyncSession, project: str, *, outcomes: int
) -> Sequence[Row[Any]]:
    """Return (model_version, blind, predicted, label, number) of the newest resolved tasks."""
    version = _outcomes.c.prediction["model_version"].as_string()
    predicted = _outcomes.c.prediction["label"].as_string()
    newest = (
        select(
            version.label("model_version"),
            _outcomes.c.blind,
            predicted.label("predicted"),
            _outcomes.c.label,
        )
        .join(_tasks, _holds())
        .where(
            _outcomes.c.project == project,
            _outcomes.c.label.is_not(None),
            version.is_not(None),
            predicted.is_not(None),
        )
        .order_by(_outcomes.c.outcome_id.desc())
        .limit(outcomes)
        .subquery()
    )
    statement: Select[Any] = select(*newest.c, func.count().label("number"))
    rows: Sequence[Row[Any]] = (await session.execute(statement.group_by(*newest.c))).all()
    return rows


async def version_verdicts(
    session: AsyncSession, project: str, *, verdicts: int
) -> Sequence[Row[Any]]:
    """Return (model_version, reviewer, blind, predicted, label, number) of the newest verdicts.

    Of those on tasks that a version had labelled.
    """
    newest = newest_verdicts(project, verdicts)
    given = (
        select(
            _tasks.c.prediction["model_version"].as_string().label("model_version"),
            newest.c.reviewer,
            newest.c.blind,
            _tasks.c.prediction["label"].as_string().label("predicted"),
            newest.c.label,
        )
        .join(_tasks, _tasks.c.task_id == newest.c.task_id)
        .subquery()
    )
    statement: Select[Any] = select(*given.c, func.count().label("number")).where(
        given.c.model_version.is_not(None), given.c.predicted.is_not(None)
    )
    rows: Sequence[Row[Any]] = (await session.execute(statement.group_by(*given.c))).all()
    return rows


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
        .join(_tasks, _holds())
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
    return _streamed(session, statement)


def _holds() -> ColumnElement[bool]:
    """Say that an outcome is its task's newest, and that the task waits for nobody."""
    return and_(
        _tasks.c.task_id == _outcomes.c.task_id,
        _tasks.c.revision == _outcomes.c.revision,
        _tasks.c.state == "resolved",
    )


def _among(column: ColumnElement[str], names: Sequence[str]) -> ColumnElement[bool]:
    """Say that a reviewer is on the page of `names`, which is in order and leaves nobody out.

    SQLite would look each name up for each task if it were a list of them.
    """
    return column.between(names[0], names[-1])


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


async def _streamed(session: AsyncSession, statement: Select[Any]) -> AsyncGenerator[Row[Any]]:
    options = {"yield_per": _READ_AT_ONCE}
    result = await session.stream(statement, execution_options=options)
    try:
        async for row in result:
            yield row
    finally:
        await result.close()


async def newest_votes(
    session: AsyncSession, project: str, count: int
) -> list[tuple[int, str, str, str]]:
    """Return the project's newest verdicts that stand: id, task, reviewer and label."""
    statement = (
        select(
            _verdicts.c.verdict_id,
            _verdicts.c.task_id,
            _verdicts.c.reviewer,
            _verdicts.c.label,
        )
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .where(
            _tasks.c.project == project,
            _verdicts.c.withdrawn_at.is_(None),
            _verdicts.c.label.is_not(None),
        )
        .order_by(_verdicts.c.verdict_id.desc())
        .limit(count)
    )
    rows = (await session.execute(statement)).all()
    return [(row[0] or 0, row[1], row[2], str(row[3])) for row in rows]
