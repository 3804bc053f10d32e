"""SQL of the runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, func, select, update
from sqlmodel import col

from services.trainer.ledger.lookup import drift_began_at
from services.trainer.outcomes.repository import trains
from services.trainer.tables import (
    DriftWatch,
    OutcomeRow,
    PromiseChange,
    RelabelItem,
    RelabelPlan,
    Run,
    count_rows,
    page_before,
    rows_of,
    same_item,
)
from shared.db import Session

INTERRUPTED = "interrupted: start it again"


async def running_of(session: Session, project: str) -> Sequence[Run]:
    """Return the runs of a project that are recorded as running."""
    return await rows_of(session, Run, col(Run.project) == project, col(Run.state) == "running")


async def count_by_state(session: Session) -> dict[tuple[str, ...], float]:
    """Return how many runs each project has in each state that occurs."""
    query = select(col(Run.project), col(Run.state), func.count()).group_by(
        col(Run.project), col(Run.state)
    )
    return {(row[0], row[1]): row[2] for row in await session.execute(query)}


async def beat(session: Session, run_id: str, moment: datetime, progress: float, log: str) -> bool:
    """Record a run's heartbeat and progress; say whether it is to be cancelled."""
    query = (
        update(Run)
        .where(col(Run.run_id) == run_id)
        .values(heartbeat_at=moment, progress=progress, log=log)
        .returning(col(Run.cancel_requested))
    )
    return bool((await session.execute(query)).scalar_one())


async def count_interrupted(session: Session, project: str, dataset_id: str) -> int:
    """Count the interrupted runs that were to train on one dataset."""
    return await count_rows(
        session,
        col(Run.project) == project,
        col(Run.dataset_id) == dataset_id,
        col(Run.mode) != "upload",
        col(Run.detail) == INTERRUPTED,
    )


async def count_new_labels(session: Session, project: str, after: int) -> int:
    """Count the labels of training lanes that arrived after a position, and since the last alarm.

    Labels from before an alarm describe traffic that has changed: a version that learns mostly from
    them would spend one of the period's tests in vain.
    """
    alarm = await last_alarm(session, project)
    new = (col(OutcomeRow.project) == project, col(OutcomeRow.position) > after, trains())
    recent = [] if alarm is None else [col(OutcomeRow.resolved_at) >= alarm]
    return await count_rows(session, *new, *recent)


async def newest_traces(
    session: Session, project: str, up_to: int, limit: int
) -> Sequence[str | None]:
    """Return the traces of the newest labels up to a position, newest first."""
    query = (
        select(col(OutcomeRow.trace))
        .where(
            col(OutcomeRow.project) == project,
            col(OutcomeRow.position) <= up_to,
            col(OutcomeRow.label).is_not(None),
            col(OutcomeRow.trace).is_not(None),
        )
        .order_by(col(OutcomeRow.position).desc())
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


class TrafficChange(NamedTuple):
    """A change of the traffic: when it was found, since when it has been, and how it was found."""

    at: datetime
    began: datetime
    words: str


async def last_change(session: Session, project: str) -> TrafficChange | None:
    """Return the change that was found last: by audits, or by the watch of drift."""
    drift = await _last_drift(session, project)
    alarm = await last_alarm(session, project)
    if alarm is None or (drift is not None and drift.at >= alarm):
        return drift
    query = select(col(PromiseChange.cause)).where(
        col(PromiseChange.project) == project, col(PromiseChange.at) == alarm, *_ALARMED
    )
    cause = (await session.execute(query.limit(1))).scalar_one_or_none()
    if cause == "drift" and drift is not None:
        return drift  # the suspension is on record a moment after the alarm
    return TrafficChange(
        alarm, alarm, "drift" if cause == "drift" else "audits suspended the promise"
    )


async def _last_drift(session: Session, project: str) -> TrafficChange | None:
    key = col(DriftWatch.alarmed_at)
    found = await page_before(session, DriftWatch, project, key, None, 1, key.is_not(None))
    if not found or found[0].alarm is None:
        return None
    at = found[0].alarmed_at
    return TrafficChange(at, await drift_began_at(session, found[0]) or at, "drift was found")


async def last_alarm(session: Session, project: str) -> datetime | None:
    """Return when audits or drift last suspended the promise."""
    query = select(func.max(col(PromiseChange.at))).where(
        col(PromiseChange.project) == project, *_ALARMED
    )
    found: datetime | None = (await session.execute(query)).scalar_one_or_none()
    return found


_ALARMED = (
    col(PromiseChange.cause).in_(("audit_violated", "audit_changed", "drift")),
    col(PromiseChange.to_state) == "suspended",
    # A recovery that fails leaves the version suspended by the alarm that it had before.
    col(PromiseChange.from_state) != "recertifying",
)


async def last_begun(session: Session, project: str) -> datetime | None:
    """Return when the last training run was queued, on request or automatically."""
    query = select(func.max(col(Run.created_at))).where(
        col(Run.project) == project, col(Run.mode) != "upload"
    )
    found: datetime | None = (await session.execute(query)).scalar_one_or_none()
    return found


class Planned(NamedTuple):
    """Items of relabel plans: how many, those without an outcome, and those with a new one."""

    items: int
    left: int
    fresh: int


async def planned_since(session: Session, project: str, since: datetime, after: int) -> Planned:
    """Count the items of relabel plans that were started since then.

    An outcome is new that arrived behind position `after`. What the review queue refused counts
    as nothing.
    """
    position = col(OutcomeRow.position)
    query = (
        select(
            func.count(),
            func.coalesce(func.sum(case((position.is_(None), 1), else_=0)), 0),
            func.coalesce(func.sum(case((position > after, 1), else_=0)), 0),
        )
        .select_from(RelabelItem)
        .join(RelabelPlan, col(RelabelPlan.plan_id) == col(RelabelItem.plan_id))
        .outerjoin(OutcomeRow, same_item(OutcomeRow, RelabelItem))
        .where(
            col(RelabelPlan.project) == project,
            col(RelabelPlan.started_at) >= since,
            col(RelabelItem.refused).is_(None),
        )
    )
    row = (await session.execute(query)).one()
    return Planned(int(row[0]), int(row[1]), int(row[2]))
