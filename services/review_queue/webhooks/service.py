"""What operators see of webhooks, and what they do to them."""

import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.activity.recording import record
from services.review_queue.projects.reading import current_project
from services.review_queue.tables.webhooks import WebhookRow
from services.review_queue.webhooks import repository
from services.review_queue.webhooks.events import Event
from services.review_queue.webhooks.messages import WebhookList, WebhookStatus, WebhookTrial
from services.review_queue.webhooks.sending import Sender
from shared.contracts.base import new_id
from shared.db import Database, Session
from shared.problems import NotFound


@dataclass(frozen=True)
class WebhookService:
    """A project's webhooks: how they fare, enabling, trying."""

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


async def _lock(session: Session, project: str, webhook_id: str) -> WebhookRow:
    """Return the project's webhook, kept from other writers; `NotFound` when there is none."""
    await current_project(session, project)
    # An id of another form is not looked up: databases do not take every text.
    with contextlib.suppress(ValueError):
        row = await repository.lock(session, str(uuid.UUID(webhook_id)))
        if row is not None and row.project == project:
            return row
    raise NotFound("There is no such webhook in this project.", project=project)


async def _status(session: Session, row: WebhookRow) -> WebhookStatus:
    stated = row.model_dump(include=set(WebhookStatus.model_fields))
    state = "enabled" if row.disabled_at is None else "disabled"
    pending = await repository.waiting(session, row)
    return WebhookStatus.model_validate({**stated, "state": state, "pending": pending})
