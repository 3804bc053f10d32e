"""Every statement about the history of deliveries."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, or_, select, tuple_, update

from services.review_queue.repository.statements import fetch, insert_into, insert_new
from services.review_queue.tables.webhooks import (
    DELIVERIES,
    HISTORY,
    WEBHOOKS,
    DeliveryRow,
    HistoryRow,
)
from shared.db import Session

_OF_AN_ATTEMPT = ("state", "status", "error", "attempts", "last_attempt_at", "next_attempt_at")
_ENDED = ("delivered", "failed")


async def note(session: Session, row: dict[str, Any]) -> None:
    """Write down how an attempt went, unless a later one, or one that delivered, is known."""
    attempt = insert_into(session, HistoryRow).values(row)
    new = attempt.excluded
    later = or_(new.state == "delivered", new.attempts > HISTORY.c.attempts)
    noted = attempt.on_conflict_do_update(
        index_elements=[HISTORY.c.delivery_id],
        set_={name: new[name] for name in _OF_AN_ATTEMPT},
        where=and_(HISTORY.c.state != "delivered", later),
    )
    await session.execute(noted)


async def find(
    session: Session, project: str, delivery_id: str, *, lock: bool = True
) -> HistoryRow | None:
    """Return what became of a delivery of the project, by default kept from other writers."""
    statement = select(HistoryRow).where(
        HISTORY.c.delivery_id == delivery_id, HISTORY.c.project == project
    )
    if lock:
        # Read anew: another retry may have changed it before it was locked.
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await session.execute(statement)).scalar_one_or_none()


async def page(
    session: Session,
    project: str,
    *,
    state: str | None,
    webhook_id: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return deliveries with `url` and `disabled_at` of their webhooks, newest first."""
    statement = (
        select(HISTORY, WEBHOOKS.c.url, WEBHOOKS.c.disabled_at)
        .join(WEBHOOKS, WEBHOOKS.c.webhook_id == HISTORY.c.webhook_id)
        .where(HISTORY.c.project == project)
    )
    if state is not None:
        own = select(WEBHOOKS.c.webhook_id).where(WEBHOOKS.c.project == project)
        statement = statement.where(HISTORY.c.webhook_id.in_(own), HISTORY.c.state == state)
    if webhook_id is not None:
        statement = statement.where(HISTORY.c.webhook_id == webhook_id)
    if before is not None:
        place = tuple_(HISTORY.c.first_attempt_at, HISTORY.c.delivery_id)
        statement = statement.where(place < before)
    newest = (HISTORY.c.first_attempt_at.desc(), HISTORY.c.delivery_id.desc())
    return await fetch(session, statement.order_by(*newest).limit(limit))


async def send_again(session: Session, row: HistoryRow, now: datetime) -> bool:
    """Write a delivery that has ended once more; False where its event waits under another id."""
    new = {
        "delivery_id": row.delivery_id,
        "webhook_id": row.webhook_id,
        "task_id": row.task_id,
        "revision": row.revision,
        "event_id": None if row.event is None else row.event_id,
        "event": row.event,
        "due_at": now,
        "attempts": 0,
    }
    return bool(await insert_new(session, DeliveryRow, "delivery_id", [new]))


async def send_now(session: Session, row: HistoryRow, now: datetime) -> None:
    """Let a delivery that waits be due, unless it is on its way."""
    waiting = (DELIVERIES.c.delivery_id == row.delivery_id, DELIVERIES.c.attempts == row.attempts)
    await session.execute(update(DELIVERIES).where(*waiting).values(due_at=now))


async def fail(session: Session, delivery_ids: Collection[str], error: str) -> None:
    """Say that deliveries were given up for another reason than their last attempt."""
    given_up = update(HISTORY).where(HISTORY.c.delivery_id.in_(delivery_ids))
    await session.execute(given_up.values(state="failed", error=error, next_attempt_at=None))


async def forget(session: Session, delivery_id: str) -> None:
    """Forget a delivery of which nothing is sent any more."""
    await session.execute(delete(HISTORY).where(HISTORY.c.delivery_id == delivery_id))


async def trim(session: Session, webhook_id: str, state: str, keep: int) -> None:
    """Forget all but the newest `keep` deliveries of a webhook in this state."""
    of_state = (HISTORY.c.webhook_id == webhook_id, HISTORY.c.state == state)
    at = HISTORY.c.first_attempt_at
    newest = select(at).where(*of_state).order_by(at.desc()).offset(keep - 1).limit(1)
    await session.execute(delete(HISTORY).where(*of_state, at < newest.scalar_subquery()))


async def forget_before(session: Session, webhook_id: str, moment: datetime) -> None:
    """Forget the deliveries of a webhook that ended and were last attempted before a moment."""
    await session.execute(
        delete(HISTORY).where(
            HISTORY.c.webhook_id == webhook_id,
            HISTORY.c.state.in_(_ENDED),
            HISTORY.c.last_attempt_at < moment,
        )
    )
