"""Statements about reviewers' answers: verdicts, skips, and answers that were taken back.

Answers to gold count as well: figures that stood still would tell the reviewer which they are.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.review_queue.quality.agreement.repository import is_verdict, newest_verdicts, stands
from services.review_queue.quality.reviewers.messages import ChangedAnswers
from services.review_queue.repository.statements import count_where, fetch
from services.review_queue.tables import LEASES, TASKS, VERDICTS
from services.review_queue.tables.gold import PAUSES, PROBES
from services.review_queue.tables.people import TAGS
from shared.db import Session

_later = VERDICTS.alias("later")
_MINUTE_SECONDS = 60
# Whose answers are wanted, said of a column of names.
_Wanted = Callable[[sa.ColumnElement[str]], sa.ColumnElement[bool]]

_is_probed = PROBES.c.ending == "verdict"
_probe_seen = sa.or_(PROBES.c.ending.in_(["verdict", "undo"]), PROBES.c.skipped)
_next_label = (
    sa.select(_later.c.label)
    .where(
        _later.c.task_id == VERDICTS.c.task_id,
        _later.c.reviewer == VERDICTS.c.reviewer,
        _later.c.verdict_id > VERDICTS.c.verdict_id,
        sa.not_(_later.c.skipped),
    )
    .order_by(_later.c.verdict_id)
    .limit(1)
    .correlate(VERDICTS)
    .scalar_subquery()
)


async def answers(
    session: Session, project: str, *, only: str | None = None, after: str = "", limit: int = 1
) -> Sequence[sa.Row[Any]]:
    """Return what each reviewer did, by name from the one behind `after` on; or one reviewer.

    Those who are paused or have tags are there too, also if they have done nothing.

    Columns: reviewer, verdicts, skips, timed (verdicts that told their active time), seconds (of
    those together), first_seen, last_seen.
    """
    rows = _answers(project, lambda name: name > after if only is None else name == only)
    statement = (
        sa.select(
            rows.c.reviewer,
            _whole(rows.c.verdicts).label("verdicts"),
            _whole(rows.c.skips).label("skips"),
            _whole(rows.c.timed).label("timed"),
            sa.func.sum(rows.c.seconds).label("seconds"),
            sa.func.min(rows.c.first_seen).label("first_seen"),
            sa.func.max(rows.c.last_seen).label("last_seen"),
        )
        .group_by(rows.c.reviewer)
        .order_by(rows.c.reviewer)
        .limit(limit)
    )
    return await fetch(session, statement)


def _answers(project: str, wanted: _Wanted) -> sa.FromClause:
    timed = sa.case((is_verdict, VERDICTS.c.active_seconds))
    ordinary: sa.Select[Any] = (
        sa.select(
            VERDICTS.c.reviewer,
            *_figures(is_verdict, sa.and_(stands, VERDICTS.c.skipped), timed, VERDICTS.c.given_at),
        )
        .join(TASKS, TASKS.c.task_id == VERDICTS.c.task_id)
        .where(TASKS.c.project == project, wanted(VERDICTS.c.reviewer))
        .group_by(VERDICTS.c.reviewer)
    )
    timed = sa.case((_is_probed, PROBES.c.active_seconds))
    probed: sa.Select[Any] = (
        sa.select(
            PROBES.c.reviewer, *_figures(_is_probed, PROBES.c.skipped, timed, PROBES.c.ended_at)
        )
        .where(PROBES.c.project == project, _probe_seen, wanted(PROBES.c.reviewer))
        .group_by(PROBES.c.reviewer)
    )
    nothing = (*(sa.literal(0) for _ in range(3)), *(sa.null() for _ in range(3)))
    paused: sa.Select[Any] = sa.select(PAUSES.c.reviewer, *nothing).where(
        PAUSES.c.project == project, PAUSES.c.resumed_at.is_(None), wanted(PAUSES.c.reviewer)
    )
    tagged: sa.Select[Any] = sa.select(TAGS.c.reviewer, *nothing).where(
        TAGS.c.project == project, wanted(TAGS.c.reviewer)
    )
    return sa.union_all(ordinary, probed, paused, tagged).subquery()


def _figures(
    verdict: sa.ColumnElement[bool],
    skip: sa.ColumnElement[bool],
    timed: sa.ColumnElement[float],
    moment: sa.ColumnElement[Any],
) -> list[sa.ColumnElement[Any]]:
    return [
        count_where(verdict).label("verdicts"),
        count_where(skip).label("skips"),
        sa.func.count(timed).label("timed"),
        sa.func.sum(timed).label("seconds"),
        sa.func.min(moment).label("first_seen"),
        sa.func.max(moment).label("last_seen"),
    ]


async def label_mix(
    session: Session, project: str, reviewers: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Return how often each reviewer gave each label, most often first, by reviewer."""
    times = sa.func.count()
    statement = (
        sa.select(VERDICTS.c.reviewer, VERDICTS.c.label, times.label("times"))
        .where(
            VERDICTS.c.project == project,
            VERDICTS.c.reviewer.in_(reviewers),
            VERDICTS.c.withdrawn_at.is_(None),
            VERDICTS.c.label.is_not(None),
        )
        .group_by(VERDICTS.c.reviewer, VERDICTS.c.label)
        .order_by(times.desc(), VERDICTS.c.label)
    )
    mix: dict[str, dict[str, int]] = {}
    for row in await fetch(session, statement):
        mix.setdefault(row.reviewer, {})[row.label] = row.times
    return mix


async def active_seconds(
    session: Session, project: str, reviewers: Sequence[str]
) -> Sequence[sa.Row[Any]]:
    """Return how long these reviewers' verdicts took: (reviewer, number, seconds), rising.

    Verdicts of the same tenth of a second (from a minute on, of the same second) are one row, with
    their number and mean: neither database can take medians of a million rows cheaply.
    `reviewers` is a page of names in order, without gaps.
    """
    ordinary = _grouped(VERDICTS.c.reviewer, VERDICTS.c.active_seconds)
    ordinary = ordinary.join(TASKS, TASKS.c.task_id == VERDICTS.c.task_id).where(
        TASKS.c.project == project,
        VERDICTS.c.reviewer.between(reviewers[0], reviewers[-1]),
        is_verdict,
    )
    probed = _grouped(PROBES.c.reviewer, PROBES.c.active_seconds).where(
        PROBES.c.project == project,
        PROBES.c.reviewer.between(reviewers[0], reviewers[-1]),
        _is_probed,
    )
    rows = sa.union_all(ordinary, probed).subquery()
    statement = sa.select(rows).order_by(rows.c.reviewer, rows.c.about)
    return await fetch(session, statement)


def _grouped(reviewer: sa.ColumnElement[str], seconds: sa.ColumnElement[float]) -> sa.Select[Any]:
    about = sa.case(
        (seconds < _MINUTE_SECONDS, sa.func.round(10 * seconds)), else_=10 * sa.func.round(seconds)
    ).label("about")
    return (
        sa.select(
            reviewer, sa.func.count().label("number"), sa.func.avg(seconds).label("seconds"), about
        )
        .where(seconds.is_not(None))
        .group_by(reviewer, about)
    )


def _whole(number: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    # PostgreSQL adds counts up to a decimal number.
    return sa.cast(sa.func.sum(number), sa.BigInteger)


async def changed_answers(
    session: Session, project: str, reviewers: Sequence[str], since: datetime
) -> dict[str, ChangedAnswers]:
    """Return what each of these reviewers took back and changed since `since`.

    `reviewers` is a page of names in order, without gaps.
    """
    in_time = [
        TASKS.c.project == project,
        VERDICTS.c.reviewer.between(reviewers[0], reviewers[-1]),
        VERDICTS.c.given_at >= since,
        sa.not_(VERDICTS.c.skipped),
    ]
    answered = (
        sa.select(VERDICTS.c.reviewer, sa.func.count())
        .join(TASKS, TASKS.c.task_id == VERDICTS.c.task_id)
        .where(*in_time)
        .group_by(VERDICTS.c.reviewer)
    )
    answers = {row[0]: row[1] for row in await session.execute(answered)}
    rows = await session.execute(_changed(in_time))
    found = {row.pop("reviewer"): row for row in map(dict, rows.mappings())}
    none = dict.fromkeys(("taken_back", "changed", "to_model", "evidence"), 0)
    return {
        name: ChangedAnswers(answers=answers.get(name, 0), **found.get(name, none))
        for name in reviewers
    }


def _changed(in_time: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    taken_back = (
        sa.select(
            VERDICTS.c.reviewer,
            VERDICTS.c.label,
            _next_label.label("next_label"),
            TASKS.c.lane_group,
            TASKS.c.prediction["label"].as_string().label("predicted"),
        )
        .join(TASKS, TASKS.c.task_id == VERDICTS.c.task_id)
        .join(LEASES, LEASES.c.token == VERDICTS.c.token)
        .where(*in_time, VERDICTS.c.withdrawn_at.is_not(None), LEASES.c.ending == "undo")
        .subquery()
    )
    changed = taken_back.c.next_label != taken_back.c.label
    to_model = sa.and_(changed, taken_back.c.next_label == taken_back.c.predicted)
    evidence = sa.and_(changed, taken_back.c.lane_group == "evidence")
    return sa.select(
        taken_back.c.reviewer,
        sa.func.count().label("taken_back"),
        count_where(changed).label("changed"),
        count_where(to_model).label("to_model"),
        count_where(evidence).label("evidence"),
    ).group_by(taken_back.c.reviewer)


async def newest_votes(session: Session, project: str, count: int) -> Sequence[sa.Row[Any]]:
    """Return (verdict_id, task_id, reviewer, label) of the newest verdicts that stand."""
    newest = newest_verdicts(project, count)
    columns = (newest.c.verdict_id, newest.c.task_id, newest.c.reviewer, newest.c.label)
    return await fetch(session, sa.select(*columns).order_by(newest.c.verdict_id.desc()))
