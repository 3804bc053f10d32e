"""Every statement about probes: a reviewer's leases of gold items."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from services.review_queue.lifecycle.claims import Claimant
from services.review_queue.lifecycle.repository.covering import covers
from services.review_queue.lifecycle.repository.gold import known
from services.review_queue.quality.gold.choosing import Kind
from services.review_queue.quality.gold.repository.scores import (
    answered_otherwise,
    newest,
    skipped_for_good,
)
from services.review_queue.repository.statements import count_where, insert_new
from services.review_queue.tables import TASKS, TaskRow
from services.review_queue.tables.gold import PROBES, ProbeRow
from shared.db import Session

# A probe ended without an answer, or was skipped "to me" just now, or for good.
CameBack = Literal["returned", "put_off", "skipped"]


@dataclass(frozen=True)
class Situation:
    """How a reviewer stands with gold at a moment, as numbers of probes.

    `live` ones are held, `returned` ones came back without an answer, `put_off` ones were skipped
    "to me" just now; `right` and `wrong` count the sides that the reviewer has met.
    """

    live: int
    returned: int
    put_off: int
    right: int
    wrong: int


def _live(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(PROBES.c.ending.is_(None), PROBES.c.expires_at > now)


# What the reviewer skipped "to me".
_deferred = sa.and_(PROBES.c.ending == "skip", ~PROBES.c.skipped)


def _given_back(who: Claimant) -> sa.ColumnElement[bool]:
    return sa.or_(
        PROBES.c.ending.in_(["release", "undo"]),
        sa.and_(PROBES.c.ending.is_(None), PROBES.c.expires_at <= who.now),
        sa.and_(_deferred, PROBES.c.ended_at <= _a_lease_ago(who)),
    )


def _put_off(who: Claimant) -> sa.ColumnElement[bool]:
    # As an ordinary task does: for the time of a lease it comes behind all others.
    return sa.and_(_deferred, PROBES.c.ended_at > _a_lease_ago(who))


def _a_lease_ago(who: Claimant) -> datetime:
    return who.now - (who.expires_at - who.now)


def _of(project: str, reviewer: str) -> sa.ColumnElement[bool]:
    return sa.and_(PROBES.c.project == project, PROBES.c.reviewer == reviewer)


async def situation(session: Session, who: Claimant) -> Situation:
    """Return how a reviewer stands."""
    false = PROBES.c.suggestion != PROBES.c.expected
    wrong = sa.case((PROBES.c.suggestion.is_not(None), false), else_=PROBES.c.kind == "model_wrong")
    right = sa.case(
        (PROBES.c.suggestion.is_not(None), sa.not_(false)), else_=PROBES.c.kind == "model_right"
    )
    first = PROBES.c.number == 1
    statement = sa.select(
        count_where(_live(who.now)),
        count_where(_given_back(who)),
        count_where(_put_off(who)),
        count_where(sa.and_(first, right)),
        count_where(sa.and_(first, wrong)),
    ).where(_of(who.project, who.reviewer))
    return Situation(*(await session.execute(statement)).one())


async def held(session: Session, project: str, reviewer: str, now: datetime) -> int:
    """Return how many probes a reviewer holds."""
    statement = sa.select(sa.func.count()).where(_of(project, reviewer), _live(now))
    return (await session.execute(statement)).scalar_one()


async def taken(
    session: Session, project: str, reviewer: str, at: datetime, since: datetime
) -> int:
    """Return how many tasks fewer would wait at a moment, were the reviewer's gold ordinary tasks.

    Those held then, and those that the reviewer's answers had finished from `since` on.
    """
    lasted = sa.or_(PROBES.c.ended_at.is_(None), PROBES.c.ended_at > at)
    held_then = sa.and_(PROBES.c.leased_at <= at, PROBES.c.expires_at > at, lasted)
    finished = sa.and_(
        PROBES.c.ending.in_(["verdict", "skip"]),
        PROBES.c.state_after.in_(["resolved", "adjudication"]),
        PROBES.c.ended_at.between(since, at),
    )
    statement = sa.select(sa.func.count()).where(
        _of(project, reviewer), sa.or_(held_then, finished)
    )
    return (await session.execute(statement)).scalar_one()


async def came_back(
    session: Session, who: Claimant, why: CameBack, *, labels: Sequence[str], limit: int
) -> list[tuple[ProbeRow, TaskRow]]:
    """Return the newest probe of each gold item that came back so, oldest first.

    Of skipped items those that the reviewer has met least often come first.
    """
    came = {"returned": _given_back(who), "put_off": _put_off(who), "skipped": skipped_for_good}
    gold = known(who.project).subquery()
    there = sa.select(gold.c.task_id).where(gold.c.label.in_(labels))
    order = [PROBES.c.number] if why == "skipped" else []
    statement = (
        sa.select(ProbeRow, TaskRow)
        .join(TaskRow, TASKS.c.task_id == PROBES.c.task_id)
        .where(
            _of(who.project, who.reviewer),
            PROBES.c.task_id.in_(there),
            ~answered_otherwise(PROBES.c.task_id, who.reviewer),
            covers(who.reviewer),
            came[why],
            newest,
        )
        .order_by(*order, PROBES.c.leased_at, PROBES.c.token)
        .limit(limit)
    )
    return [(probe, task) for probe, task in (await session.execute(statement)).all()]


async def end_expired(session: Session, tokens: Sequence[str], now: datetime) -> None:
    """End those of the probes that have not ended: new ones take their place."""
    statement = (
        sa.update(PROBES)
        .where(PROBES.c.token.in_(tokens), PROBES.c.ending.is_(None))
        .values(ending="expiry", ended_at=now)
    )
    await session.execute(statement)


async def pick(
    session: Session,
    who: Claimant,
    *,
    kind: Kind,
    labels: Sequence[str],
    without: Sequence[str],
    place: str,
) -> sa.Row[Any] | None:
    """Return a gold item that the reviewer has never met, the first from `place` on; else None.

    Columns: task_id, item_id, data, item_metadata, prediction, label and kind.
    """
    gold = known(who.project).subquery()
    had = sa.exists().where(PROBES.c.task_id == gold.c.task_id, PROBES.c.reviewer == who.reviewer)
    data = (TASKS.c.item_id, TASKS.c.data, TASKS.c.item_metadata, TASKS.c.prediction)
    candidates: sa.Select[Any] = (
        sa.select(gold.c.task_id, gold.c.label, gold.c.kind, *data)
        .join(TASKS, TASKS.c.task_id == gold.c.task_id)
        .where(
            gold.c.kind == kind,
            gold.c.label.in_(labels),
            gold.c.task_id.not_in(without),
            ~had,
            covers(who.reviewer),
            ~answered_otherwise(gold.c.task_id, who.reviewer),
        )
        .order_by(gold.c.task_id)
        .limit(1)
    )
    for side in (gold.c.task_id >= place, gold.c.task_id < place):
        row: sa.Row[Any] | None = (await session.execute(candidates.where(side))).first()
        if row is not None:
            return row
    return None


async def add(session: Session, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Write probes; return the tokens of those that no other call has made at the same time."""
    got: set[str] = set()
    # In one order, so that two calls never wait for one another in a circle.
    for row in sorted(rows, key=lambda row: (row["task_id"], row["reviewer"])):
        got |= await insert_new(session, ProbeRow, "token", [row])
    return got


async def lock(session: Session, token: str) -> tuple[ProbeRow, TaskRow] | None:
    """Return the probe of `token`, kept from other calls, and its task; None when unknown."""
    statement = sa.select(ProbeRow).where(PROBES.c.token == token).with_for_update()
    probe = (await session.execute(statement)).scalar_one_or_none()
    if probe is None:
        return None
    return probe, await session.get_one(TaskRow, probe.task_id)


async def newest_of(session: Session, probe: ProbeRow) -> ProbeRow:
    """Return the newest probe of the same item and reviewer."""
    statement = (
        sa.select(ProbeRow)
        .where(PROBES.c.task_id == probe.task_id, PROBES.c.reviewer == probe.reviewer)
        .order_by(PROBES.c.number.desc())
        .limit(1)
    )
    return (await session.execute(statement)).scalar_one()
