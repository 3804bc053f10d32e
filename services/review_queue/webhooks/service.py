"""What operators see of webhooks, and what they do to them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.activity.recording import record
from services.review_queue.projects.service import current_project
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

        Raises
        ------
        NotFound
            No such project, or no such webhook in it.
        """
        async with self.database.transaction() as session:
            await current_project(session, project)
            known = _known(webhook_id, project)
            row = _required(await repository.lock(session, known), project)
            row.disabled_at = None
            row.resume_at = None
            record(session, "webhook.enabled", self.now(), project=project, target=known)
            await session.flush()
            status = await _status(session, row)
        self.nudge()
        return status

    async def test(self, project: str, webhook_id: str) -> WebhookTrial:
        """Send one `webhook.test`, now and only once; a disabled webhook gets it too.

        Raises
        ------
        NotFound
            As for `enable`.
        """
        async with self.database.transaction() as session:
            await current_project(session, project)
            known = _known(webhook_id, project)
            row = _required(await repository.find(session, known), project)
            record(session, "webhook.tested", self.now(), project=project, target=known)
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


def _known(webhook_id: str, project: str) -> str:
    # What is no id is not looked up: databases do not take every text.
    try:
        return str(uuid.UUID(webhook_id))
    except ValueError:
        raise _no_such_webhook(project) from None


def _required(row: WebhookRow | None, project: str) -> WebhookRow:
    if row is None or row.project != project:
        raise _no_such_webhook(project)
    return row


def _no_such_webhook(project: str) -> NotFound:
    return NotFound("There is no such webhook in this project.", project=project)


async def _status(session: Session, row: WebhookRow) -> WebhookStatus:
    stated = row.model_dump(include=set(WebhookStatus.model_fields))
    state = "enabled" if row.disabled_at is None else "disabled"
    pending = await repository.waiting(session, row)
    return WebhookStatus.model_validate({**stated, "state": state, "pending": pending})
