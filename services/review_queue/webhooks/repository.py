"""Every statement about webhooks and their deliveries.

A transaction that writes to both locks the webhook first: no deadlock.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.review_queue.repository.statements import fetch
from services.review_queue.tables import OUTCOMES
from services.review_queue.tables.webhooks import (
    DELIVERIES,
    HISTORY,
    TOLD,
    WEBHOOKS,
    ToldRow,
    WebhookRow,
)
from shared.contracts.base import new_id
from shared.db import Session


async def of_project(
    session: Session, project: str, *, lock: bool = False
) -> dict[str, WebhookRow]:
    """Return a project's webhooks by URL."""
    statement = sa.select(WebhookRow).where(WEBHOOKS.c.project == project)
    statement = statement.order_by(WEBHOOKS.c.webhook_id)
    if lock:
        statement = statement.with_for_update()
    return {row.url: row for row in (await session.execute(statement)).scalars()}


async def lock(session: Session, webhook_id: str, *, wait: bool = True) -> WebhookRow | None:
    """Return a webhook, kept from other writers; without `wait` None when another writer has it."""
    statement = sa.select(WebhookRow).where(WEBHOOKS.c.webhook_id == webhook_id)
    # Not the key: deliveries that refer to it may still be written.
    statement = statement.with_for_update(key_share=True, skip_locked=not wait)
    return (await session.execute(statement)).scalar_one_or_none()


async def remove(session: Session, row: WebhookRow) -> None:
    """Remove a webhook, all that was to be sent to it, and with it its history."""
    await session.execute(sa.delete(DELIVERIES).where(DELIVERIES.c.webhook_id == row.webhook_id))
    await session.delete(row)


async def any_webhook(session: Session) -> bool:
    """Say whether any project has a webhook."""
    return (await session.execute(sa.select(WEBHOOKS.c.webhook_id).limit(1))).first() is not None


async def with_history(session: Session) -> Sequence[sa.Row[Any]]:
    """Return `webhook_id` and `project` of the webhooks that something was sent to."""
    sent = sa.exists().where(HISTORY.c.webhook_id == WEBHOOKS.c.webhook_id)
    return await fetch(session, sa.select(WEBHOOKS.c.webhook_id, WEBHOOKS.c.project).where(sent))


def _active(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        WEBHOOKS.c.disabled_at.is_(None),
        sa.or_(WEBHOOKS.c.resume_at.is_(None), WEBHOOKS.c.resume_at <= now),
    )


async def lagging(session: Session) -> list[str]:
    """Return the enabled webhooks behind which the outcomes feed has gone on."""
    ahead = sa.exists().where(
        OUTCOMES.c.project == WEBHOOKS.c.project, OUTCOMES.c.position > WEBHOOKS.c.position
    )
    statement = sa.select(WEBHOOKS.c.webhook_id).where(WEBHOOKS.c.disabled_at.is_(None), ahead)
    return list((await session.execute(statement)).scalars())


async def behind(session: Session, webhook: WebhookRow, limit: int) -> Sequence[sa.Row[Any]]:
    """Return `position`, `task_id` and `revision` of the outcomes behind a webhook's position."""
    statement = (
        sa.select(OUTCOMES.c.position, OUTCOMES.c.task_id, OUTCOMES.c.revision)
        .where(OUTCOMES.c.project == webhook.project, OUTCOMES.c.position > webhook.position)
        .order_by(OUTCOMES.c.position)
        .limit(limit)
    )
    return await fetch(session, statement)


async def add_deliveries(session: Session, now: datetime, rows: Sequence[dict[str, Any]]) -> None:
    """Write deliveries that are due at `now`; each row names its webhook and its event."""
    if rows:
        new = [{**row, "delivery_id": new_id(), "due_at": now, "attempts": 0} for row in rows]
        await session.execute(sa.insert(DELIVERIES), new)


async def announced_by_project(session: Session) -> dict[str, ToldRow | None]:
    """Return what was announced to each project that has a webhook."""
    names = sa.select(WEBHOOKS.c.project).distinct().subquery().c
    known = sa.select(names.project, ToldRow).outerjoin(ToldRow, TOLD.c.project == names.project)
    return {row[0]: row[1] for row in await session.execute(known.order_by(names.project))}


async def forget_announced(session: Session, project: str) -> None:
    """Forget what was announced to a project's receivers."""
    await session.execute(sa.delete(TOLD).where(TOLD.c.project == project))


async def due(session: Session, now: datetime) -> list[str]:
    """Return the webhooks to which something may be sent at `now`."""
    waiting = sa.exists().where(
        DELIVERIES.c.webhook_id == WEBHOOKS.c.webhook_id, DELIVERIES.c.due_at <= now
    )
    statement = sa.select(WEBHOOKS.c.webhook_id).where(_active(now), waiting)
    return list((await session.execute(statement)).scalars())


async def claim(
    session: Session, webhook_id: str, *, now: datetime, until: datetime, limit: int
) -> Sequence[sa.Row[Any]]:
    """Claim up to `limit` due deliveries of a webhook until `until`, and count the attempt."""
    first = (
        sa.select(DELIVERIES.c.delivery_id)
        .join(WEBHOOKS, WEBHOOKS.c.webhook_id == DELIVERIES.c.webhook_id)
        .where(DELIVERIES.c.webhook_id == webhook_id, DELIVERIES.c.due_at <= now, _active(now))
        .order_by(DELIVERIES.c.due_at, DELIVERIES.c.delivery_id)
        .limit(limit)
        .with_for_update(of=DELIVERIES, skip_locked=True)
        .cte("first")
    )
    statement = (
        sa.update(DELIVERIES)
        .where(DELIVERIES.c.delivery_id.in_(sa.select(first.c.delivery_id)))
        .values(due_at=until, attempts=DELIVERIES.c.attempts + 1)
        .returning(*DELIVERIES.c)
    )
    return await fetch(session, statement)


async def finish(session: Session, delivery_id: str) -> bool:
    """Remove a delivery; False when it is gone already."""
    gone = sa.delete(DELIVERIES).where(DELIVERIES.c.delivery_id == delivery_id)
    statement = gone.returning(DELIVERIES.c.delivery_id)
    return (await session.execute(statement)).first() is not None


async def overdue(session: Session, now: datetime) -> Sequence[sa.Row[Any]]:
    """Return `webhook_id`, `project` and `oldest` (`due_at`) of webhooks with something due."""
    statement = (
        sa.select(
            WEBHOOKS.c.webhook_id,
            WEBHOOKS.c.project,
            sa.func.min(DELIVERIES.c.due_at).label("oldest"),
        )
        .join(DELIVERIES, DELIVERIES.c.webhook_id == WEBHOOKS.c.webhook_id)
        .where(DELIVERIES.c.due_at < now)
        .group_by(WEBHOOKS.c.webhook_id, WEBHOOKS.c.project)
    )
    return await fetch(session, statement)


async def drop_overdue(
    session: Session, webhook_id: str, before: datetime, limit: int
) -> list[str]:
    """Remove up to `limit` deliveries of a webhook that were due before a moment; return which."""
    first = (
        sa.select(DELIVERIES.c.delivery_id)
        .where(DELIVERIES.c.webhook_id == webhook_id, DELIVERIES.c.due_at < before)
        .order_by(DELIVERIES.c.due_at)
        .limit(limit)
    )
    gone = sa.delete(DELIVERIES).where(DELIVERIES.c.delivery_id.in_(first))
    return [
        row.delivery_id for row in await fetch(session, gone.returning(DELIVERIES.c.delivery_id))
    ]


async def put_off(session: Session, delivery: sa.Row[Any], due_at: datetime) -> None:
    """Let a claimed delivery be due at `due_at`, unless another replica has claimed it since."""
    claimed = DELIVERIES.c.delivery_id == delivery.delivery_id
    await session.execute(
        sa.update(DELIVERIES)
        .where(claimed, DELIVERIES.c.attempts == delivery.attempts)
        .values(due_at=due_at)
    )


async def pending(session: Session) -> dict[str, int]:
    """Count the deliveries that wait, by project."""
    statement = (
        sa.select(WEBHOOKS.c.project, sa.func.count())
        .join(DELIVERIES, DELIVERIES.c.webhook_id == WEBHOOKS.c.webhook_id)
        .group_by(WEBHOOKS.c.project)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def waiting(session: Session, webhook: WebhookRow) -> int:
    """Count what a webhook is still to get: its deliveries, and outcomes behind its position."""
    written = sa.select(sa.func.count()).where(DELIVERIES.c.webhook_id == webhook.webhook_id)
    kind = sa.case((OUTCOMES.c.revision == 1, "outcome.resolved"), else_="outcome.corrected")
    to_come = sa.select(sa.func.count()).where(
        OUTCOMES.c.project == webhook.project,
        sa.or_(OUTCOMES.c.position.is_(None), OUTCOMES.c.position > webhook.position),
    )
    if webhook.events is not None:
        to_come = to_come.where(kind.in_(webhook.events))
    counts = sa.select(written.scalar_subquery() + to_come.scalar_subquery())
    return int((await session.execute(counts)).scalar_one())
