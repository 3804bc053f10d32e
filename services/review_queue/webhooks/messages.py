"""Messages of webhooks."""

from typing import Literal

from shared.contracts.base import Message, UtcTime
from shared.contracts.projects import WebhookEvent


class WebhookStatus(Message):
    """A webhook and how it fares.

    `pending` events wait for their delivery, `failed` ones were given up. `resume_at` is set while
    the receiver has asked for a pause.
    """

    webhook_id: str
    url: str
    secret_ref: str
    events: list[WebhookEvent] | None
    state: Literal["enabled", "disabled"]
    disabled_at: UtcTime | None
    resume_at: UtcTime | None
    pending: int
    delivered: int
    failed: int
    last_success_at: UtcTime | None
    last_error: str | None
    last_error_at: UtcTime | None


class WebhookList(Message):
    """A project's webhooks, in the project's order; at most ten, so `cursor` is always null."""

    webhooks: list[WebhookStatus]
    cursor: None


class WebhookTrial(Message):
    """What became of one `webhook.test`: `status` is the receiver's, null where none came."""

    event_id: str
    delivered: bool
    status: int | None
    error: str | None
