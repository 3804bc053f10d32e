"""The relay: writes deliveries, sends them, and records how that went.

Any number of replicas may run one. A delivery is claimed for a while, sent, and recorded. If its
replica dies, the claim ends by itself, and another sends the event under the same id. Receivers are
served concurrently: a slow one holds up no other.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from services.review_queue.lifecycle.outcomes import repository as outcomes
from services.review_queue.lifecycle.outcomes.service import outcome_message
from services.review_queue.tables.webhooks import WebhookRow
from services.review_queue.webhooks import repository, retention
from services.review_queue.webhooks.events import Event, outcome_event
from services.review_queue.webhooks.fanout import fan_out
from services.review_queue.webhooks.history import repository as history
from services.review_queue.webhooks.metrics import DELIVERED, FAILED, PENDING, RETRIES
from services.review_queue.webhooks.schedule import MAX_ATTEMPTS, wait_after
from services.review_queue.webhooks.sending import Attempt, Sender
from shared.db import Database, DatabaseFault, Row, Session
from shared.doorbells import wait_for
from shared.logs import cause_of
from shared.loops import Loop, cancel_all

log = structlog.get_logger()

# Longer than an attempt can take, so that nothing is claimed twice while its holder lives.
CLAIM = timedelta(seconds=60)
_AT_ONCE = 8
_PAUSE_SECONDS = 0.1
_STOP_SECONDS = 5.0
_POLLS_PER_COUNT = 5
# While no project has a webhook nothing is due, and a commit that adds one nudges.
_POLLS_PER_IDLE_REST = 10
_RETENTION_SECONDS = 3600.0
_CLAIMS_PER_TRIM = 100
_OF_DELIVERY = ("delivery_id", "webhook_id", "task_id", "revision", "event", "attempts")


@dataclass
class Relay:
    """One background loop a process, and a task for each receiver that is being served."""

    database: Database
    sender: Sender
    now: Callable[[], datetime]
    poll_seconds: float
    draw: Callable[[], float] = random.random
    _nudged: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False
    _is_idle: bool = False
    _serving: dict[str, asyncio.Task[bool]] = field(default_factory=dict)
    _counted: dict[str, int] = field(default_factory=dict)
    _count_at: float = 0.0
    _expire_at: float = 0.0
    loop: Loop = field(init=False)

    def __post_init__(self) -> None:
        self.loop = Loop("webhooks", self.round, self._rest, expected=(DatabaseFault, OSError))

    def nudge(self) -> None:
        """Look for deliveries at once, not at the next poll."""
        self._nudged.set()

    def stop(self) -> None:
        """Let the loop end."""
        self._stopping = True
        self.loop.stop()
        self._nudged.set()

    async def _rest(self) -> None:
        polls = _POLLS_PER_IDLE_REST if self._is_idle else 1
        await wait_for(self._nudged, self.poll_seconds * polls)
        await asyncio.sleep(_PAUSE_SECONDS)

    async def settled(self) -> None:
        """Return once nothing is on its way."""
        while self._serving:
            await asyncio.gather(*self._serving.values())

    async def leave(self) -> None:
        """Let deliveries on their way arrive within some seconds; the loop has ended."""
        if not self._serving:
            return
        _, late = await asyncio.wait(self._serving.values(), timeout=_STOP_SECONDS)
        await cancel_all(late)

    async def _attempt(self, work: Callable[[], Awaitable[bool]]) -> bool:
        try:
            return await work()
        except (DatabaseFault, OSError) as error:
            log.warning("webhooks_failed", cause=cause_of(error))
        except Exception:
            # A later round sends again what its claim left.
            log.exception("webhooks_failed")
        return False

    async def round(self) -> bool:
        """Write new deliveries, and begin to send those that are due; say if any is."""
        if await fan_out(self.database, self.now()):
            # There may be more; deliveries that are due do not wait for all of them.
            self.nudge()
        async with self.database.reading() as session:
            due = await repository.due(session, self.now())
            self._is_idle = not await repository.any_webhook(session)
        for webhook_id in due:
            if webhook_id not in self._serving:
                self._serve(webhook_id)
        if time.monotonic() >= self._count_at:
            self._count_at = time.monotonic() + self.poll_seconds * _POLLS_PER_COUNT
            await self._count()
        if time.monotonic() >= self._expire_at:
            await retention.give_up_overdue(self.database, self.now())
            await retention.forget_old_history(self.database, self.now())
            self._expire_at = time.monotonic() + _RETENTION_SECONDS
        return bool(due)

    def _serve(self, webhook_id: str) -> None:
        task = asyncio.create_task(self._attempt(partial(self._drain, webhook_id)))
        self._serving[webhook_id] = task
        task.add_done_callback(lambda _: self._serving.pop(webhook_id))

    async def _drain(self, webhook_id: str) -> bool:
        """Send due deliveries until none is left or none arrives; the next round sends the rest."""
        for taken in itertools.count():
            if taken % _CLAIMS_PER_TRIM == 0:
                await retention.trim_history(self.database, webhook_id)
            if self._stopping:
                break
            now = self.now()
            async with self.database.transaction() as session:
                claimed = await repository.claim(
                    session, webhook_id, now=now, until=now + CLAIM, limit=_AT_ONCE
                )
            attempts = (self._attempt(partial(self._deliver, delivery)) for delivery in claimed)
            if not any(await asyncio.gather(*attempts)):
                break
        return True

    async def _deliver(self, delivery: Row) -> bool:
        async with self.database.reading() as session:
            webhook = await session.get(WebhookRow, delivery.webhook_id)
            event = None if webhook is None else await _event(session, webhook, delivery)
        if webhook is None or event is None:
            # The webhook was taken out of the project, or the item is erased.
            async with self.database.transaction() as session:
                await repository.finish(session, delivery.delivery_id)
                await history.forget(session, delivery.delivery_id)
            return False
        if delivery.attempts > 1:
            RETRIES.labels(webhook.project).inc()
        if delivery.attempts > MAX_ATTEMPTS:
            attempt = Attempt(None, "the service ended at each attempt")
        else:
            attempt = await self.sender.send(webhook, event)
        async with self.database.transaction() as session:
            row = await repository.lock(session, delivery.webhook_id)
            if row is not None:
                next_at = await self._record(session, row, delivery, attempt)
                noted = _noted(row, delivery, event, attempt, self.now(), next_at)
                await history.note(session, noted)
        return attempt.delivered

    async def _record(
        self, session: Session, webhook: WebhookRow, delivery: Row, attempt: Attempt
    ) -> datetime | None:
        """Write down how an attempt went; return when the next one is due, if there is one."""
        now = self.now()
        if attempt.delivered:
            webhook.last_success_at = now
            if await repository.finish(session, delivery.delivery_id):
                webhook.delivered += 1
                DELIVERED.labels(webhook.project).inc()
            return None
        webhook.last_error, webhook.last_error_at = attempt.error, now
        log.info(
            "webhook_not_delivered",
            webhook_id=webhook.webhook_id,
            attempts=delivery.attempts,
            cause=attempt.error,
        )
        wait = timedelta(0)
        if attempt.gone:
            # Kept, and sent once an operator enables the webhook again.
            webhook.disabled_at = now
        elif delivery.attempts >= MAX_ATTEMPTS:
            await self._give_up(session, webhook, delivery)
            return None
        else:
            wait = wait_after(delivery.attempts, self.draw())
            if attempt.pause is not None:
                webhook.resume_at = now + attempt.pause
                wait = max(wait, attempt.pause)
        await repository.put_off(session, delivery, now + wait)
        return now + wait

    async def _give_up(self, session: Session, webhook: WebhookRow, delivery: Row) -> None:
        if await repository.finish(session, delivery.delivery_id):
            webhook.failed += 1
            FAILED.labels(webhook.project).inc()
            log.warning(
                "webhook_given_up",
                webhook_id=webhook.webhook_id,
                task_id=delivery.task_id,
                revision=delivery.revision,
                event_id=delivery.event_id,
            )

    async def _count(self) -> None:
        async with self.database.reading() as session:
            pending = await repository.pending(session)
        # Projects of which nothing waits any longer are told of as such.
        self._counted = dict.fromkeys(self._counted, 0) | pending
        for project, count in self._counted.items():
            PENDING.labels(project).set(count)


async def _event(session: Session, webhook: WebhookRow, delivery: Row) -> Event | None:
    if delivery.event is not None:
        return Event.from_stored(delivery.event_id, webhook.project, delivery.event)
    outcome = await outcomes.find(session, delivery.task_id, delivery.revision)
    if outcome is None:
        return None
    epoch = await outcomes.epoch_of(session, outcome.position or 0)
    return outcome_event(webhook.project, outcome_message(outcome), epoch)


def _noted(
    webhook: WebhookRow,
    delivery: Row,
    event: Event,
    attempt: Attempt,
    at: datetime,
    next_at: datetime | None,
) -> dict[str, Any]:
    """Return the row of a delivery after an attempt; `next_at` is None where it has ended."""
    ended = "delivered" if attempt.delivered else "failed"
    return {
        **{name: delivery._mapping[name] for name in _OF_DELIVERY},
        "project": webhook.project,
        "event_id": event.event_id,
        "kind": event.kind,
        "subject": event.subject,
        "state": ended if next_at is None else "waiting",
        "status": attempt.status,
        "error": attempt.error,
        "first_attempt_at": at,
        "last_attempt_at": at,
        "next_attempt_at": next_at,
    }
