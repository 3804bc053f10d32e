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


DeliveryState = Literal["waiting", "delivered", "failed"]


class WebhookDelivery(Message):
    """What became of one event for one webhook; `status` and `error` are of the last attempt.

    `status` is the receiver's, null where none came. `failed`: it was given up. `next_attempt_at`
    is null unless the event is sent again by itself.
    """

    delivery_id: str
    webhook_id: str
    url: str
    event_id: str
    event: WebhookEvent
    subject: str | None
    state: DeliveryState
    status: int | None
    error: str | None
    attempts: int
    first_attempt_at: UtcTime
    last_attempt_at: UtcTime
    next_attempt_at: UtcTime | None


class DeliveryList(Message):
    """A page of deliveries."""

    deliveries: list[WebhookDelivery]
    cursor: str | None


class WebhookTrial(Message):
    """What became of one `webhook.test`: `status` is the receiver's, null where none came."""

    event_id: str
    delivered: bool
    status: int | None
    error: str | None
