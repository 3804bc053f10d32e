"""Every statement about how reviewers fare on gold.

Two kinds of answers count: those to probes, and verdicts that were given in lane `gold` before an
adjudicator decided. An answer counts while the label that it is held against is still the task's,
and one of the project's: reviewers cannot give another.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    union,
    union_all,
)

from services.review_queue.lifecycle.repository.gold import decided, kind, known, tasks
from services.review_queue.quality.reviewers.trust import Score
from services.review_queue.repository.statements import count_where, table_of
from services.review_queue.tables import VerdictRow
from services.review_queue.tables.gold import ProbeRow
from shared.contracts.projects import Project
from shared.db import Session

probes = table_of(ProbeRow)
_verdicts = table_of(VerdictRow)

answered = probes.c.ending == "verdict"
# A skip "to me", and what was given back without one, is no answer.
counts = or_(answered, probes.c.skipped)
_later = probes.alias("later")
newest = ~exists().where(
    _later.c.task_id == probes.c.task_id,
    _later.c.reviewer == probes.c.reviewer,
    _later.c.number > probes.c.number,
)
# Such a probe of an item says that the reviewer has had it.
had = and_(newest, or_(probes.c.ending.is_(None), probes.c.ending != "skip", probes.c.skipped))
# The reviewer has had it, and has not answered.
skipped_for_good = and_(newest, probes.c.ending == "skip", probes.c.skipped)
_given = and_(
    _verdicts.c.withdrawn_at.is_(None), _verdicts.c.label.is_not(None), ~_verdicts.c.skipped
)


def _probed(project: str, names: Sequence[str], labels: Sequence[str]) -> ColumnElement[bool]:
    """Say that a probe's answer counts for one of these reviewers."""
    return and_(
        probes.c.project == project,
        probes.c.reviewer.between(names[0], names[-1]),
        answered,
        tasks.c.label == probes.c.expected,
        tasks.c.label.in_(labels),
    )


def _answers(project: str, names: Sequence[str], labels: Sequence[str]) -> CompoundSelect[Any]:
    probed: Select[Any] = (
        select(
            probes.c.reviewer,
            probes.c.kind,
            probes.c.ended_at.label("at"),
            case((probes.c.label == probes.c.expected, 1), else_=0).label("right"),
        )
        .join(tasks, tasks.c.task_id == probes.c.task_id)
        .where(_probed(project, names, labels))
    )
    ordinary: Select[Any] = (
        select(
            _verdicts.c.reviewer,
            kind.label("kind"),
            _verdicts.c.given_at.label("at"),
            case((_verdicts.c.label == tasks.c.label, 1), else_=0).label("right"),
        )
        .join(tasks, tasks.c.task_id == _verdicts.c.task_id)
        .where(
            tasks.c.project == project,
            decided,
            tasks.c.label.in_(labels),
            tasks.c.state == "resolved",
            _given,
            _verdicts.c.reviewer.between(names[0], names[-1]),
        )
    )
    return union_all(probed, ordinary)


async def scores(
    session: Session,
    project: str,
    names: Sequence[str],
    *,
    labels: Sequence[str],
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, dict[str, Score]]:
    """Return how reviewers fared on gold, by name and by the kind of the item.

    `names` is a page of reviewers in order, without gaps; `labels` are the project's; `since` and
    `until` bound the answers.
    """
    rows = _answers(project, names, labels).subquery()
    after = [] if since is None else [rows.c.at > since]
    before = [] if until is None else [rows.c.at < until]
    statement = (
        select(rows.c.reviewer, rows.c.kind, func.count(), func.sum(rows.c.right))
        .where(*after, *before)
        .group_by(rows.c.reviewer, rows.c.kind)
    )
    found: dict[str, dict[str, Score]] = {}
    for reviewer, of_kind, number, right in await session.execute(statement):
        found.setdefault(reviewer, {})[of_kind] = Score(number, right)
    return found


async def score_of(session: Session, project: Project, name: str, since: datetime | None) -> Score:
    """Return how one reviewer fared on gold, from `since` on."""
    found = await scores(session, project.project, [name], labels=project.labels, since=since)
    return total(found.get(name, {}))


async def ever_answered(session: Session, project: str, names: Sequence[str]) -> dict[str, int]:
    """Return how many gold tasks each reviewer has answered, whatever their labels became since.

    This decides who is a newcomer; a reviewer never becomes one again.
    """
    either = union(
        select(probes.c.reviewer, probes.c.task_id).where(
            probes.c.project == project, probes.c.reviewer.between(names[0], names[-1]), answered
        ),
        select(_verdicts.c.reviewer, _verdicts.c.task_id)
        .join(tasks, tasks.c.task_id == _verdicts.c.task_id)
        .where(
            tasks.c.project == project,
            decided,
            _given,
            _verdicts.c.reviewer.between(names[0], names[-1]),
        ),
    ).subquery()
    return await _counted(session, either)


def total(by_kind: Mapping[str, Score]) -> Score:
    """Return the scores of all kinds together."""
    return Score(
        sum(one.answered for one in by_kind.values()), sum(one.right for one in by_kind.values())
    )


async def acceptances(
    session: Session, project: str, names: Sequence[str], labels: Sequence[str]
) -> dict[tuple[str, bool], tuple[int, int]]:
    """Return how often reviewers took what was suggested to them on gold.

    By name and whether the suggestion was right: (answers, of these the suggested label).
    """
    right = (probes.c.suggestion == probes.c.expected).label("right")
    statement = (
        select(
            probes.c.reviewer,
            right,
            func.count(),
            count_where(probes.c.label == probes.c.suggestion),
        )
        .join(tasks, tasks.c.task_id == probes.c.task_id)
        .where(_probed(project, names, labels), probes.c.suggestion.is_not(None))
        .group_by(probes.c.reviewer, right)
    )
    rows = await session.execute(statement)
    return {(name, bool(is_right)): (number, taken) for name, is_right, number, taken in rows}


async def used_up(
    session: Session, project: str, names: Sequence[str], labels: Sequence[str]
) -> dict[str, int]:
    """Return how many gold tasks each reviewer has had, or has answered as an ordinary task."""
    gold = known(project).cte("known")
    met = union(
        select(probes.c.reviewer, probes.c.task_id)
        .join(gold, gold.c.task_id == probes.c.task_id)
        .where(probes.c.reviewer.between(names[0], names[-1]), had, gold.c.label.in_(labels)),
        select(_verdicts.c.reviewer, _verdicts.c.task_id)
        .join(gold, gold.c.task_id == _verdicts.c.task_id)
        .where(
            _verdicts.c.reviewer.between(names[0], names[-1]),
            _verdicts.c.withdrawn_at.is_(None),
            gold.c.label.in_(labels),
        ),
    ).subquery()
    return await _counted(session, met)


async def skipped(
    session: Session, project: str, names: Sequence[str], labels: Sequence[str]
) -> dict[str, int]:
    """Return how many gold tasks each reviewer has skipped, and would get again as a newcomer."""
    gold = known(project).subquery()
    rows = (
        select(probes.c.reviewer)
        .join(gold, gold.c.task_id == probes.c.task_id)
        .where(
            probes.c.reviewer.between(names[0], names[-1]),
            skipped_for_good,
            gold.c.label.in_(labels),
            ~answered_otherwise(probes.c.task_id, probes.c.reviewer),
        )
    )
    return await _counted(session, rows.subquery())


async def _counted(session: Session, rows: FromClause) -> dict[str, int]:
    statement = select(rows.c.reviewer, func.count()).group_by(rows.c.reviewer)
    return {row[0]: row[1] for row in await session.execute(statement)}


def answered_otherwise(
    task_id: ColumnElement[str], reviewer: ColumnElement[str] | str
) -> ColumnElement[bool]:
    """Say that the reviewer's answer to the task, as an ordinary one, stands."""
    return exists().where(
        _verdicts.c.task_id == task_id,
        _verdicts.c.reviewer == reviewer,
        _verdicts.c.withdrawn_at.is_(None),
    )


async def newest_votes(session: Session, project: str, count: int) -> list[tuple[str, str, str]]:
    """Return (task, reviewer, label) of the newest answers to probes.

    Without those that followed, or not, a suggestion that was made wrong: they tell of the
    suggestion more than of the reviewer.
    """
    honest = or_(probes.c.suggestion.is_(None), probes.c.suggestion == probes.c.expected)
    honest = or_(honest, probes.c.kind == "model_wrong")
    statement = (
        select(probes.c.task_id, probes.c.reviewer, probes.c.label)
        .where(probes.c.project == project, answered, honest)
        .order_by(probes.c.ended_at.desc(), probes.c.token)
        .limit(count)
    )
    rows = await session.execute(statement)
    return [(row.task_id, row.reviewer, str(row.label)) for row in rows]
