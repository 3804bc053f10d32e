"""SQL of the runs."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlmodel import col

from services.trainer.outcomes.repository import trains
from services.trainer.tables import OutcomeRow, PromiseChange, Run
from shared.db import Session

INTERRUPTED = "interrupted: start it again"


async def page(session: Session, project: str, before: str | None, limit: int) -> Sequence[Run]:
    """Return runs, newest first, older than run `before`."""
    query = select(Run).where(col(Run.project) == project)
    if before is not None:
        query = query.where(col(Run.run_id) < before)
    query = query.order_by(col(Run.run_id).desc()).limit(limit)
    return (await session.execute(query)).scalars().all()


async def running_of(session: Session, project: str) -> Sequence[Run]:
    """Return the runs of a project that are recorded as running."""
    query = select(Run).where(col(Run.project) == project, col(Run.state) == "running")
    return (await session.execute(query)).scalars().all()


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
    query = select(func.count()).where(
        col(Run.project) == project,
        col(Run.dataset_id) == dataset_id,
        col(Run.mode) != "upload",
        col(Run.detail) == INTERRUPTED,
    )
    return int((await session.execute(query)).scalar_one())


async def count_new_labels(session: Session, project: str, after: int) -> int:
    """Count the labels of training lanes that arrived after a position, and since the last alarm.

    Labels from before an alarm describe traffic that has changed: a version that learns mostly from
    them would spend one of the period's tests in vain.
    """
    alarm = await last_alarm(session, project)
    query = select(func.count()).where(
        col(OutcomeRow.project) == project,
        col(OutcomeRow.position) > after,
        trains(),
    )
    if alarm is not None:
        query = query.where(col(OutcomeRow.resolved_at) >= alarm)
    return int((await session.execute(query)).scalar_one())


async def newest_traces(
    session: Session, project: str, up_to: int, limit: int
) -> Sequence[str | None]:
    """Return the traces of the newest labels up to a position, newest first."""
    query = (
        select(OutcomeRow.trace)  # type: ignore[call-overload]
        .where(
            col(OutcomeRow.project) == project,
            col(OutcomeRow.position) <= up_to,
            col(OutcomeRow.label).is_not(None),
            col(OutcomeRow.trace).is_not(None),
        )
        .order_by(col(OutcomeRow.position).desc())
        .limit(limit)
    )
    traces: Sequence[str | None] = (await session.execute(query)).scalars().all()
    return traces


async def labelled_since_alarm(session: Session, project: str) -> list[str]:
    """Return the items that were labelled since the last alarm; none if there was none."""
    alarm = await last_alarm(session, project)
    if alarm is None:
        return []
    query = select(col(OutcomeRow.item_id)).where(
        col(OutcomeRow.project) == project, col(OutcomeRow.resolved_at) >= alarm
    )
    return list((await session.execute(query)).scalars())


async def last_alarm(session: Session, project: str) -> datetime | None:
    """Return when audits last found the promise broken."""
    query = select(func.max(col(PromiseChange.at))).where(
        col(PromiseChange.project) == project,
        col(PromiseChange.cause).in_(("audit_violated", "audit_changed")),
        col(PromiseChange.to_state) == "suspended",
        # A recovery that fails leaves the version suspended by the alarm that it had before.
        col(PromiseChange.from_state) != "recertifying",
    )
    found: datetime | None = (await session.execute(query)).scalar_one_or_none()
    return found
