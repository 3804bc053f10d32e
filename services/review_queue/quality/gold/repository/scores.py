"""Every statement about how reviewers fare on gold.

Two kinds of answers count: those to probes, and verdicts that were given in lane `gold` before an
adjudicator decided. An answer counts while the label that it is held against is still the task's,
and one of the project's: reviewers cannot give another.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.review_queue.lifecycle.repository.gold import decided, kind, known
from services.review_queue.quality.agreement.repository import is_verdict
from services.review_queue.quality.reviewers.trust import Score
from services.review_queue.repository.statements import count_where
from services.review_queue.tables import TASKS, VERDICTS
from services.review_queue.tables.gold import PROBES
from shared.contracts.projects import Project
from shared.db import Session

answered = PROBES.c.ending == "verdict"
# A skip "to me", and what was given back without one, is no answer.
counts = sa.or_(answered, PROBES.c.skipped)
_later = PROBES.alias("later")
newest = ~sa.exists().where(
    _later.c.task_id == PROBES.c.task_id,
    _later.c.reviewer == PROBES.c.reviewer,
    _later.c.number > PROBES.c.number,
)
# Such a probe of an item says that the reviewer has had it.
had = sa.and_(
    newest, sa.or_(PROBES.c.ending.is_(None), PROBES.c.ending != "skip", PROBES.c.skipped)
)
# The reviewer has had it, and has not answered.
skipped_for_good = sa.and_(newest, PROBES.c.ending == "skip", PROBES.c.skipped)


def _probed(project: str, names: Sequence[str], labels: Sequence[str]) -> sa.ColumnElement[bool]:
    """Say that a probe's answer counts for one of these reviewers."""
    return sa.and_(
        PROBES.c.project == project,
        PROBES.c.reviewer.between(names[0], names[-1]),
        answered,
        TASKS.c.label == PROBES.c.expected,
        TASKS.c.label.in_(labels),
    )


def _answers(project: str, names: Sequence[str], labels: Sequence[str]) -> sa.CompoundSelect[Any]:
    probed: sa.Select[Any] = (
        sa.select(
            PROBES.c.reviewer,
            PROBES.c.kind,
            PROBES.c.ended_at.label("at"),
            sa.case((PROBES.c.label == PROBES.c.expected, 1), else_=0).label("right"),
        )
        .join(TASKS, TASKS.c.task_id == PROBES.c.task_id)
        .where(_probed(project, names, labels))
    )
    ordinary: sa.Select[Any] = (
        sa.select(
            VERDICTS.c.reviewer,
            kind.label("kind"),
            VERDICTS.c.given_at.label("at"),
            sa.case((VERDICTS.c.label == TASKS.c.label, 1), else_=0).label("right"),
        )
        .join(TASKS, TASKS.c.task_id == VERDICTS.c.task_id)
        .where(
            TASKS.c.project == project,
            decided,
            TASKS.c.label.in_(labels),
            TASKS.c.state == "resolved",
            is_verdict,
            VERDICTS.c.reviewer.between(names[0], names[-1]),
        )
    )
    return sa.union_all(probed, ordinary)


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
        sa.select(rows.c.reviewer, rows.c.kind, sa.func.count(), sa.func.sum(rows.c.right))
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
    either = sa.union(
        sa.select(PROBES.c.reviewer, PROBES.c.task_id).where(
            PROBES.c.project == project, PROBES.c.reviewer.between(names[0], names[-1]), answered
        ),
        sa.select(VERDICTS.c.reviewer, VERDICTS.c.task_id)
        .join(TASKS, TASKS.c.task_id == VERDICTS.c.task_id)
        .where(
            TASKS.c.project == project,
            decided,
            is_verdict,
            VERDICTS.c.reviewer.between(names[0], names[-1]),
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
    right = (PROBES.c.suggestion == PROBES.c.expected).label("right")
    statement = (
        sa.select(
            PROBES.c.reviewer,
            right,
            sa.func.count(),
            count_where(PROBES.c.label == PROBES.c.suggestion),
        )
        .join(TASKS, TASKS.c.task_id == PROBES.c.task_id)
        .where(_probed(project, names, labels), PROBES.c.suggestion.is_not(None))
        .group_by(PROBES.c.reviewer, right)
    )
    rows = await session.execute(statement)
    return {(name, bool(is_right)): (number, taken) for name, is_right, number, taken in rows}


async def used_up(
    session: Session, project: str, names: Sequence[str], labels: Sequence[str]
) -> dict[str, int]:
    """Return how many gold tasks each reviewer has had, or has answered as an ordinary task."""
    gold = known(project).cte("known")
    met = sa.union(
        sa.select(PROBES.c.reviewer, PROBES.c.task_id)
        .join(gold, gold.c.task_id == PROBES.c.task_id)
        .where(PROBES.c.reviewer.between(names[0], names[-1]), had, gold.c.label.in_(labels)),
        sa.select(VERDICTS.c.reviewer, VERDICTS.c.task_id)
        .join(gold, gold.c.task_id == VERDICTS.c.task_id)
        .where(
            VERDICTS.c.reviewer.between(names[0], names[-1]),
            VERDICTS.c.withdrawn_at.is_(None),
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
        sa.select(PROBES.c.reviewer)
        .join(gold, gold.c.task_id == PROBES.c.task_id)
        .where(
            PROBES.c.reviewer.between(names[0], names[-1]),
            skipped_for_good,
            gold.c.label.in_(labels),
            ~answered_otherwise(PROBES.c.task_id, PROBES.c.reviewer),
        )
    )
    return await _counted(session, rows.subquery())


async def _counted(session: Session, rows: sa.FromClause) -> dict[str, int]:
    statement = sa.select(rows.c.reviewer, sa.func.count()).group_by(rows.c.reviewer)
    return {row[0]: row[1] for row in await session.execute(statement)}


def answered_otherwise(
    task_id: sa.ColumnElement[str], reviewer: sa.ColumnElement[str] | str
) -> sa.ColumnElement[bool]:
    """Say that the reviewer's answer to the task, as an ordinary one, stands."""
    return sa.exists().where(
        VERDICTS.c.task_id == task_id,
        VERDICTS.c.reviewer == reviewer,
        VERDICTS.c.withdrawn_at.is_(None),
    )


async def newest_votes(session: Session, project: str, count: int) -> list[tuple[str, str, str]]:
    """Return (task, reviewer, label) of the newest answers to probes.

    Without those that followed, or not, a suggestion that was made wrong: they tell of the
    suggestion more than of the reviewer.
    """
    honest = sa.or_(PROBES.c.suggestion.is_(None), PROBES.c.suggestion == PROBES.c.expected)
    honest = sa.or_(honest, PROBES.c.kind == "model_wrong")
    statement = (
        sa.select(PROBES.c.task_id, PROBES.c.reviewer, PROBES.c.label)
        .where(PROBES.c.project == project, answered, honest)
        .order_by(PROBES.c.ended_at.desc(), PROBES.c.token)
        .limit(count)
    )
    rows = await session.execute(statement)
    return [(row.task_id, row.reviewer, str(row.label)) for row in rows]
