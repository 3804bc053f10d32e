"""Every statement about people: what they answered, and how it compares.

An answer stands until it is taken back; a reviewer's answer is a verdict or a skip.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from sqlalchemy import (
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

from services.review_queue.models import OutcomeRow, TaskRow, VerdictRow
from services.review_queue.statements import table_of
from shared.contracts.tasks import EVIDENCE_LANES

_tasks = table_of(TaskRow)
_verdicts = table_of(VerdictRow)
_outcomes = table_of(OutcomeRow)
# Rows that are held at a time while many are read.
_READ_AT_ONCE = 2_000

# Who holds the known label of a gold task: the outcome that an operator gave it.
_GOLD_SOURCE = "adjudicator"

_stands = _verdicts.c.withdrawn_at.is_(None)
_is_verdict = and_(_stands, not_(_verdicts.c.skipped), _verdicts.c.label.is_not(None))


async def answers(
    session: AsyncSession, project: str, *, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Return what each reviewer did, by name from the one behind `after` on.

    Columns: reviewer, verdicts, skips, timed (verdicts that told their active time), seconds (of
    those together), first_seen, last_seen.
    """
    statement = _answers(project).where(_verdicts.c.reviewer > after)
    return (await session.execute(statement.limit(limit))).all()


async def answers_of(session: AsyncSession, project: str, reviewer: str) -> Row[Any] | None:
    """Return what one reviewer did, as `answers` does; None when nothing."""
    statement = _answers(project).where(_verdicts.c.reviewer == reviewer)
    return (await session.execute(statement)).one_or_none()


def _answers(project: str) -> Select[Any]:
    skip = and_(_stands, _verdicts.c.skipped)
    timed = case((_is_verdict, _verdicts.c.active_seconds))
    return (
        select(
            _verdicts.c.reviewer,
            _number(_is_verdict).label("verdicts"),
            _number(skip).label("skips"),
            func.count(timed).label("timed"),
            func.sum(timed).label("seconds"),
            func.min(_verdicts.c.given_at).label("first_seen"),
            func.max(_verdicts.c.given_at).label("last_seen"),
        )
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .where(_tasks.c.project == project)
        .group_by(_verdicts.c.reviewer)
        .order_by(_verdicts.c.reviewer)
    )


async def median_seconds(
    session: AsyncSession, project: str, reviewers: Sequence[str]
) -> dict[str, float]:
    """Return the median active seconds of these reviewers' verdicts, where they are told."""
    of_one = {"partition_by": _verdicts.c.reviewer}
    ranked = (
        select(
            _verdicts.c.reviewer,
            _verdicts.c.active_seconds,
            func.row_number().over(order_by=_verdicts.c.active_seconds, **of_one).label("place"),
            func.count().over(**of_one).label("number"),
        )
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .where(
            _tasks.c.project == project,
            _verdicts.c.reviewer.in_(reviewers),
            _is_verdict,
            _verdicts.c.active_seconds.is_not(None),
        )
        .subquery()
    )
    # SQLite has no percentiles: the middle one, or the mean of the two in the middle.
    twice = 2 * ranked.c.place
    statement = (
        select(ranked.c.reviewer, func.avg(ranked.c.active_seconds))
        .where(twice.between(ranked.c.number, ranked.c.number + 2))
        .group_by(ranked.c.reviewer)
    )
    return {row[0]: float(row[1]) for row in await session.execute(statement)}


async def comparisons(
    session: AsyncSession, project: str, reviewers: Sequence[str]
) -> Sequence[Row[Any]]:
    """Hold these reviewers' verdicts against the labels of resolved tasks.

    Columns: reviewer; shared, shared_right: tasks that others answered too; gold, gold_right: tasks
    of lane gold whose label an operator gave.
    """
    right = _verdicts.c.label == _tasks.c.label
    other = _verdicts.alias("other")
    # Alone, a reviewer's verdict is the outcome.
    shared = exists().where(
        other.c.task_id == _verdicts.c.task_id,
        other.c.reviewer != _verdicts.c.reviewer,
        other.c.withdrawn_at.is_(None),
        not_(other.c.skipped),
    )
    gold = and_(_tasks.c.lane == "gold", _tasks.c.source == _GOLD_SOURCE)
    held = (
        select(
            _verdicts.c.reviewer,
            case((right, 1), else_=0).label("right"),
            case((shared, 1), else_=0).label("shared"),
            case((gold, 1), else_=0).label("gold"),
        )
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .where(
            _tasks.c.project == project,
            _tasks.c.state == "resolved",
            _tasks.c.label.is_not(None),
            _verdicts.c.reviewer.in_(reviewers),
            _is_verdict,
        )
        .subquery()
    )
    statement = select(
        held.c.reviewer,
        func.sum(held.c.shared).label("shared"),
        func.sum(held.c.shared * held.c.right).label("shared_right"),
        func.sum(held.c.gold).label("gold"),
        func.sum(held.c.gold * held.c.right).label("gold_right"),
    ).group_by(held.c.reviewer)
    return (await session.execute(statement)).all()


def shared_verdicts(session: AsyncSession, project: str, *, tasks: int) -> AsyncGenerator[Row[Any]]:
    """Yield (task_id, reviewer, label) of the newest tasks that two reviewers or more answered.

    The newest task comes first, each task's verdicts together and in their order.
    """
    shared = (
        select(_verdicts.c.task_id, func.max(_verdicts.c.verdict_id).label("newest"))
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .where(_tasks.c.project == project, _is_verdict)
        .group_by(_verdicts.c.task_id)
        .having(func.min(_verdicts.c.reviewer) != func.max(_verdicts.c.reviewer))
        .order_by(desc("newest"))
        .limit(tasks)
        .cte("shared")
    )
    statement = (
        select(_verdicts.c.task_id, _verdicts.c.reviewer, _verdicts.c.label)
        .join(shared, shared.c.task_id == _verdicts.c.task_id)
        .where(_is_verdict)
        .order_by(shared.c.newest.desc(), _verdicts.c.verdict_id)
    )
    return _streamed(session, statement)


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
    statement = select(*newest.c, func.count().label("number")).group_by(*newest.c)
    return (await session.execute(statement)).all()


async def newest_outcome(session: AsyncSession, project: str) -> int:
    """Return the project's newest outcome's number, 0 when there is none."""
    newest = select(func.max(_outcomes.c.outcome_id)).where(_outcomes.c.project == project)
    return (await session.execute(newest)).scalar_one() or 0


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
