"""What operators see of webhooks, and what they do to them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.review_queue.activity.recording import record
from services.review_queue.lifecycle.tasks.service import as_uuid
from services.review_queue.projects.reading import current_project
from services.review_queue.tables.webhooks import HistoryRow, WebhookRow
from services.review_queue.webhooks import repository
from services.review_queue.webhooks.events import Event
from services.review_queue.webhooks.history import repository as history
from services.review_queue.webhooks.messages import (
    DeliveryList,
    DeliveryState,
    WebhookDelivery,
    WebhookList,
    WebhookStatus,
    WebhookTrial,
)
from services.review_queue.webhooks.sending import Sender
from shared.contracts.base import new_id
from shared.db import Database, Row, Session
from shared.http.lists import page_of, parse_place, position_at
from shared.problems import Conflict, NotFound


@dataclass(frozen=True)
class WebhookService:
    """A project's webhooks: how they fare, enabling, trying; deliveries and retries."""

    database: Database
    sender: Sender
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    async def page(self, project: str) -> WebhookList:
        """Return the project's webhooks, in its order."""
        async with self.database.reading() as session:
            stated = (await current_project(session, project)).webhooks
            rows = await repository.of_project(session, project)
            known = [rows[webhook.url] for webhook in stated if webhook.url in rows]
            statuses = [await _status(session, row) for row in known]
        return WebhookList(webhooks=statuses, cursor=None)

    async def enable(self, project: str, webhook_id: str) -> WebhookStatus:
        """Send again from where it stopped: after a 410, or before a pause is over.

        Raises `NotFound` (no such project, or no such webhook in it).
        """
        async with self.database.transaction() as session:
            row = await _lock(session, project, webhook_id)
            row.disabled_at = row.resume_at = None
            record(session, "webhook.enabled", self.now(), project=project, target=row.webhook_id)
            await session.flush()
            status = await _status(session, row)
        self.nudge()
        return status

    async def test(self, project: str, webhook_id: str) -> WebhookTrial:
        """Send one `webhook.test`, now and only once; a disabled webhook gets it too.

        Raises `NotFound` (as for `enable`).
        """
        async with self.database.transaction() as session:
            row = await _lock(session, project, webhook_id)
            record(session, "webhook.tested", self.now(), project=project, target=row.webhook_id)
        event = Event(
            event_id=new_id(),
            kind="webhook.test",
            project=project,
            at=self.now(),
            data={"webhook_id": row.webhook_id},
        )
        attempt = await self.sender.send(row, event)
        return WebhookTrial(
            event_id=event.event_id,
            delivered=attempt.delivered,
            status=attempt.status,
            error=attempt.error,
        )

    async def deliveries(
        self,
        project: str,
        *,
        state: DeliveryState | None,
        webhook_id: str | None,
        after: str | None,
        limit: int,
    ) -> DeliveryList:
        """Return the deliveries that were attempted at least once, newest first.

        Raises `NotFound`: there is no such project.
        """
        before = parse_place(after, as_uuid)
        # An id of another form is not looked up: databases do not take every text.
        wanted = None if webhook_id is None else as_uuid(webhook_id)
        async with self.database.reading() as session:
            await current_project(session, project)
            if webhook_id is not None and wanted is None:
                return DeliveryList(deliveries=[], cursor=None)
            rows = await history.page(
                session, project, state=state, webhook_id=wanted, before=before, limit=limit + 1
            )
        shown, cursor = page_of(rows, limit, _position)
        return DeliveryList(deliveries=[_entry(row._mapping) for row in shown], cursor=cursor)

    async def retry(self, project: str, delivery_id: str) -> WebhookDelivery:
        """Send an event again at once, however it fared; 24 attempts follow if it ended.

        Raises `NotFound` (no such project, or no such delivery in it) and `Conflict` (the webhook
        is disabled, or the same event waits already).
        """
        async with self.database.transaction() as session:
            await current_project(session, project)
            key = as_uuid(delivery_id)
            known = None if key is None else await history.find(session, project, key, lock=False)
            if known is None:
                raise _no_such(project)
            # As everywhere, the webhook is locked first.
            webhook = await repository.lock(session, known.webhook_id)
            row = await history.find(session, project, known.delivery_id)
            if webhook is None or row is None:
                raise _no_such(project)
            if webhook.disabled_at is not None:
                raise Conflict(
                    "The webhook is disabled: enable it with POST …/enable. What waits is sent "
                    "then, and what was given up can be retried."
                )
            await self._again(session, row, webhook.resume_at)
            record(
                session, "webhook.retried", self.now(), project=project, target=row.webhook_id,
                event_id=row.event_id,
            )  # fmt: skip
            entry = _entry(row.model_dump() | {"url": webhook.url, "disabled_at": None})
        self.nudge()
        return entry

    async def _again(self, session: Session, row: HistoryRow, resume_at: datetime | None) -> None:
        now = self.now()
        if row.state == "waiting":
            await history.send_now(session, row, now)
        # What waits has a delivery, unless the release before has ended it: it notes nothing.
        if await history.send_again(session, row, now):
            row.state, row.attempts = "waiting", 0
        elif row.state != "waiting":
            raise Conflict("This event waits for its delivery already.")
        row.next_attempt_at = max(now, resume_at or now)


async def _lock(session: Session, project: str, webhook_id: str) -> WebhookRow:
    """Return the project's webhook, kept from other writers; `NotFound` when there is none."""
    await current_project(session, project)
    key = as_uuid(webhook_id)
    row = None if key is None else await repository.lock(session, key)
    if row is None or row.project != project:
        raise NotFound("There is no such webhook in this project.", project=project)
    return row


async def _status(session: Session, row: WebhookRow) -> WebhookStatus:
    stated = row.model_dump(include=set(WebhookStatus.model_fields))
    state = "enabled" if row.disabled_at is None else "disabled"
    pending = await repository.waiting(session, row)
    return WebhookStatus.model_validate({**stated, "state": state, "pending": pending})


def _no_such(project: str) -> NotFound:
    return NotFound("There is no such delivery in this project.", project=project)


def _entry(columns: Any) -> WebhookDelivery:
    stated = {name: columns[name] for name in WebhookDelivery.model_fields if name != "event"}
    stated |= {"event": columns["kind"]}
    if columns["disabled_at"] is not None:
        # It waits until the webhook is enabled.
        stated["next_attempt_at"] = None
    return WebhookDelivery.model_validate(stated)


def _position(row: Row) -> str:
    return position_at(row.first_attempt_at, row.delivery_id)
