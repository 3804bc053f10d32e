"""Statements about reviewers' answers: verdicts, skips, and answers that were taken back.

Answers to gold count as well: figures that stood still would tell the reviewer which they are.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Row,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
)

from services.review_queue.quality.agreement.repository import is_verdict, newest_verdicts, stands
from services.review_queue.quality.reviewers.messages import ChangedAnswers
from services.review_queue.repository.statements import count_where, fetch, table_of
from services.review_queue.tables import LeaseRow, TaskRow, VerdictRow
from services.review_queue.tables.gold import PauseRow, ProbeRow
from services.review_queue.tables.people import ReviewerTagsRow
from shared.db import Session

_tasks = table_of(TaskRow)
_verdicts = table_of(VerdictRow)
_probes = table_of(ProbeRow)
_pauses = table_of(PauseRow)
_tags = table_of(ReviewerTagsRow)
_leases = table_of(LeaseRow)
_later = _verdicts.alias("later")
_MINUTE_SECONDS = 60
# Whose answers are wanted, said of a column of names.
_Wanted = Callable[[ColumnElement[str]], ColumnElement[bool]]

_is_probed = _probes.c.ending == "verdict"
_probe_seen = or_(_probes.c.ending.in_(["verdict", "undo"]), _probes.c.skipped)
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


async def answers(
    session: Session, project: str, *, only: str | None = None, after: str = "", limit: int = 1
) -> Sequence[Row[Any]]:
    """Return what each reviewer did, by name from the one behind `after` on; or one reviewer.

    Those who are paused or have tags are there too, also if they have done nothing.

    Columns: reviewer, verdicts, skips, timed (verdicts that told their active time), seconds (of
    those together), first_seen, last_seen.
    """
    rows = _answers(project, lambda name: name > after if only is None else name == only)
    statement = (
        select(
            rows.c.reviewer,
            _whole(rows.c.verdicts).label("verdicts"),
            _whole(rows.c.skips).label("skips"),
            _whole(rows.c.timed).label("timed"),
            func.sum(rows.c.seconds).label("seconds"),
            func.min(rows.c.first_seen).label("first_seen"),
            func.max(rows.c.last_seen).label("last_seen"),
        )
        .group_by(rows.c.reviewer)
        .order_by(rows.c.reviewer)
        .limit(limit)
    )
    return await fetch(session, statement)


def _answers(project: str, wanted: _Wanted) -> FromClause:
    timed = case((is_verdict, _verdicts.c.active_seconds))
    ordinary: Select[Any] = (
        select(
            _verdicts.c.reviewer,
            *_figures(is_verdict, and_(stands, _verdicts.c.skipped), timed, _verdicts.c.given_at),
        )
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .where(_tasks.c.project == project, wanted(_verdicts.c.reviewer))
        .group_by(_verdicts.c.reviewer)
    )
    timed = case((_is_probed, _probes.c.active_seconds))
    probed: Select[Any] = (
        select(
            _probes.c.reviewer, *_figures(_is_probed, _probes.c.skipped, timed, _probes.c.ended_at)
        )
        .where(_probes.c.project == project, _probe_seen, wanted(_probes.c.reviewer))
        .group_by(_probes.c.reviewer)
    )
    paused: Select[Any] = select(
        _pauses.c.reviewer, *(literal(0) for _ in range(3)), null(), null(), null()
    ).where(
        _pauses.c.project == project, _pauses.c.resumed_at.is_(None), wanted(_pauses.c.reviewer)
    )
    tagged: Select[Any] = select(
        _tags.c.reviewer, *(literal(0) for _ in range(3)), null(), null(), null()
    ).where(_tags.c.project == project, wanted(_tags.c.reviewer))
    return union_all(ordinary, probed, paused, tagged).subquery()


def _figures(
    verdict: ColumnElement[bool],
    skip: ColumnElement[bool],
    timed: ColumnElement[float],
    moment: ColumnElement[Any],
) -> list[ColumnElement[Any]]:
    return [
        count_where(verdict).label("verdicts"),
        count_where(skip).label("skips"),
        func.count(timed).label("timed"),
        func.sum(timed).label("seconds"),
        func.min(moment).label("first_seen"),
        func.max(moment).label("last_seen"),
    ]


async def label_mix(
    session: Session, project: str, reviewers: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Return how often each reviewer gave each label, most often first, by reviewer."""
    times = func.count()
    statement = (
        select(_verdicts.c.reviewer, _verdicts.c.label, times.label("times"))
        .where(
            _verdicts.c.project == project,
            _verdicts.c.reviewer.in_(reviewers),
            _verdicts.c.withdrawn_at.is_(None),
            _verdicts.c.label.is_not(None),
        )
        .group_by(_verdicts.c.reviewer, _verdicts.c.label)
        .order_by(times.desc(), _verdicts.c.label)
    )
    mix: dict[str, dict[str, int]] = {}
    for row in await fetch(session, statement):
        mix.setdefault(row.reviewer, {})[row.label] = row.times
    return mix


async def active_seconds(
    session: Session, project: str, reviewers: Sequence[str]
) -> Sequence[Row[Any]]:
    """Return how long these reviewers' verdicts took: (reviewer, number, seconds), rising.

    Verdicts of the same tenth of a second (from a minute on, of the same second) are one row, with
    their number and mean: neither database can take medians of a million rows cheaply.
    `reviewers` is a page of names in order, without gaps.
    """
    ordinary = _grouped(_verdicts.c.reviewer, _verdicts.c.active_seconds)
    ordinary = ordinary.join(_tasks, _tasks.c.task_id == _verdicts.c.task_id).where(
        _tasks.c.project == project,
        _verdicts.c.reviewer.between(reviewers[0], reviewers[-1]),
        is_verdict,
    )
    probed = _grouped(_probes.c.reviewer, _probes.c.active_seconds).where(
        _probes.c.project == project,
        _probes.c.reviewer.between(reviewers[0], reviewers[-1]),
        _is_probed,
    )
    rows = union_all(ordinary, probed).subquery()
    statement = select(rows).order_by(rows.c.reviewer, rows.c.about)
    return await fetch(session, statement)


def _grouped(reviewer: ColumnElement[str], seconds: ColumnElement[float]) -> Select[Any]:
    about = case(
        (seconds < _MINUTE_SECONDS, func.round(10 * seconds)), else_=10 * func.round(seconds)
    ).label("about")
    return (
        select(reviewer, func.count().label("number"), func.avg(seconds).label("seconds"), about)
        .where(seconds.is_not(None))
        .group_by(reviewer, about)
    )


def _whole(number: ColumnElement[Any]) -> ColumnElement[int]:
    # PostgreSQL adds counts up to a decimal number.
    return cast(func.sum(number), BigInteger)


async def changed_answers(
    session: Session, project: str, reviewers: Sequence[str], since: datetime
) -> dict[str, ChangedAnswers]:
    """Return what each of these reviewers took back and changed since `since`.

    `reviewers` is a page of names in order, without gaps.
    """
    in_time = [
        _tasks.c.project == project,
        _verdicts.c.reviewer.between(reviewers[0], reviewers[-1]),
        _verdicts.c.given_at >= since,
        not_(_verdicts.c.skipped),
    ]
    answered = (
        select(_verdicts.c.reviewer, func.count())
        .join(_tasks, _tasks.c.task_id == _verdicts.c.task_id)
        .where(*in_time)
        .group_by(_verdicts.c.reviewer)
    )
    answers = {row[0]: row[1] for row in await session.execute(answered)}
    rows = await session.execute(_changed(in_time))
    found = {row.pop("reviewer"): row for row in map(dict, rows.mappings())}
    none = dict.fromkeys(("taken_back", "changed", "to_model", "evidence"), 0)
    return {
        name: ChangedAnswers(answers=answers.get(name, 0), **found.get(name, none))
        for name in reviewers
    }


def _changed(in_time: Sequence[ColumnElement[bool]]) -> Select[Any]:
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
        .where(*in_time, _verdicts.c.withdrawn_at.is_not(None), _leases.c.ending == "undo")
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


async def newest_votes(session: Session, project: str, count: int) -> Sequence[Row[Any]]:
    """Return (verdict_id, task_id, reviewer, label) of the newest verdicts that stand."""
    newest = newest_verdicts(project, count)
    columns = (newest.c.verdict_id, newest.c.task_id, newest.c.reviewer, newest.c.label)
    return await fetch(session, select(*columns).order_by(newest.c.verdict_id.desc()))
