"""One attempt to send one event to one receiver."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.review_queue.tables.webhooks import WebhookRow
from services.review_queue.webhooks.events import MEDIA_TYPE, Event
from services.review_queue.webhooks.registration import WebhookRules
from services.review_queue.webhooks.schedule import retry_after
from services.review_queue.webhooks.signing import signed_headers
from services.review_queue.webhooks.transport import Transport

_USER_AGENT = "Surehand-Webhooks/1"
_GONE = 410
_LONGEST_ERROR = 300


@dataclass(frozen=True)
class Attempt:
    """How an attempt went; `status` is null when the receiver did not answer.

    `gone` says that the receiver wants no further events, `pause` how long it asked to be left
    alone.
    """

    status: int | None
    error: str | None
    gone: bool = False
    pause: timedelta | None = None

    @property
    def delivered(self) -> bool:
        """Say whether the receiver took the event."""
        return self.error is None


def _plain(text: str) -> str:
    # Others have a say in it, and databases do not take everything.
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_LONGEST_ERROR]


@dataclass(frozen=True)
class Sender:
    """Signs events and posts them."""

    rules: WebhookRules
    transport: Transport
    now: Callable[[], datetime]

    async def send(self, webhook: WebhookRow, event: Event) -> Attempt:
        """Try once; nothing is raised for what the receiver, or its set-up, does."""
        body = event.body()
        now = self.now()
        try:
            keys = self.rules.keys(webhook.project, webhook.secret_ref)
        except ValueError as error:
            return Attempt(None, f"secret_ref {error}")
        headers = {
            "content-type": MEDIA_TYPE,
            "user-agent": _USER_AGENT,
            **signed_headers(keys, event.event_id, now, body),
        }
        answer = await self.transport.post(webhook.url, headers, body)
        if answer.status is None:
            return Attempt(None, _plain(answer.error or "no answer"))
        if 200 <= answer.status < 300:
            return Attempt(answer.status, None)
        return Attempt(
            answer.status,
            _plain(f"{answer.status} {answer.reason}".strip()),
            gone=answer.status == _GONE,
            pause=retry_after(answer.retry_after, now),
        )
