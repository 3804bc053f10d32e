"""The statements about answers that reviewers took back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.quality.reviewers.messages import ChangedAnswers
from services.review_queue.repository.statements import count_where, table_of
from services.review_queue.tables import LeaseRow, TaskRow, VerdictRow

_tasks = table_of(TaskRow)
_leases = table_of(LeaseRow)
_verdicts = table_of(VerdictRow)
_later = _verdicts.alias("later")
_next_label = (
    select(_later.c.label)
    .where(
        _later.c.task_id == _verdicts.c.task_id,
        _later.c.reviewer == _verdicts.c.reviewer,
        _later.c.verdict_id > _verdicts.c.verdict_id,
        not_(_later.c.skipped),
    )
    .order_by(_later.c.verdict_id)
    .limit(1)
    .correlate(_verdicts)
    .scalar_subquery()
)


async def changed_answers(
    session: AsyncSession, project: str, reviewers: Sequence[str], since: datetime
) -> dict[str, ChangedAnswers]:
    """Return what each of these reviewers took back and changed since `since`.

    `reviewers` is a page of names in order, without gaps.
    """
    answered = await session.execute(_answered(project, reviewers, since))
    answers = {row[0]: row[1] for row in answered}
    found = {
        row.reviewer: row for row in await session.execute(_changed(project, reviewers, since))
    }
    return {
        name: ChangedAnswers(
            answers=answers.get(name, 0),
            taken_back=found[name].taken_back if name in found else 0,
            changed=found[name].changed if name in found else 0,
            to_model=found[name].to_model if name in found else 0,
            evidence=found[name].evidence if name in found else 0,
        )
        for name in reviewers
    }


def _answers(project: str, reviewers: Sequence[str], since: datetime) -> list[ColumnElement[bool]]:
    return [
        _tasks.c.project == project,
        _verdicts.c.reviewer.between(reviewers[0], reviewers[-1]),
        _verdicts.c.given_at >= since,
        not_(_verdicts.c.skipped),
    ]


def _answered(project: str, reviewers: Sequence[str], since: datetime) -> Select[Any]:
    return (
        select(_verdicts.c.reviewer, func.count())
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .where(*_answers(project, reviewers, since))
        .group_by(_verdicts.c.reviewer)
    )


def _changed(project: str, reviewers: Sequence[str], since: datetime) -> Select[Any]:
    taken_back = (
        select(
            _verdicts.c.reviewer,
            _verdicts.c.label,
            _next_label.label("next_label"),
            _tasks.c.lane_group,
            _tasks.c.prediction["label"].as_string().label("predicted"),
        )
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .join(_leases, _leases.c.token == _verdicts.c.token)
        .where(
            *_answers(project, reviewers, since),
            _verdicts.c.withdrawn_at.is_not(None),
            _leases.c.ending == "undo",
        )
        .subquery()
    )
    changed = taken_back.c.next_label != taken_back.c.label
    to_model = and_(changed, taken_back.c.next_label == taken_back.c.predicted)
    evidence = and_(changed, taken_back.c.lane_group == "evidence")
    return select(
        taken_back.c.reviewer,
        func.count().label("taken_back"),
        count_where(changed).label("changed"),
        count_where(to_model).label("to_model"),
        count_where(evidence).label("evidence"),
    ).group_by(taken_back.c.reviewer)
