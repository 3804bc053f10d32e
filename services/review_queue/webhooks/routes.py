"""Routes of webhooks."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.review_queue.webhooks import messages
from services.review_queue.webhooks.service import WebhookService
from shared.http.access import ByOperator, Injected
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit
from shared.problems import Conflict, declare

router = APIRouter(
    prefix="/v1/projects/{project}/webhooks", route_class=StrictRoute, tags=["webhooks"]
)


WantedState = Annotated[
    messages.DeliveryState | None,
    Query(description="Only what waits for another attempt, was delivered, or was given up."),
]
WantedWebhook = Annotated[
    str | None, Query(description="Only what was sent to this webhook.", max_length=100)
]


@router.get("", summary="List webhooks and how they fare")
async def list_webhooks(
    project: str, webhooks: Injected[WebhookService], _: ByOperator
) -> messages.WebhookList:
    """Return the project's webhooks; `PUT /v1/projects/{project}` is what changes them."""
    return await webhooks.page(project)


@router.post("/{webhook_id}/enable", summary="Enable a webhook again")
async def enable_webhook(
    project: str, webhook_id: str, webhooks: Injected[WebhookService], _: ByOperator
) -> messages.WebhookStatus:
    """Resume where the webhook stopped after its receiver answered 410 or asked for a pause."""
    return await webhooks.enable(project, webhook_id)


@router.post("/{webhook_id}/test", summary="Try a webhook")
async def try_webhook(
    project: str, webhook_id: str, webhooks: Injected[WebhookService], _: ByOperator
) -> messages.WebhookTrial:
    """Send one `webhook.test` at once, and return what became of it."""
    return await webhooks.test(project, webhook_id)


@router.get("/deliveries", summary="List what was sent to webhooks, newest first")
async def list_deliveries(
    project: str,
    webhooks: Injected[WebhookService],
    _: ByOperator,
    state: WantedState = None,
    webhook_id: WantedWebhook = None,
    limit: Limit = 100,
    after: After = None,
) -> messages.DeliveryList:
    """Return events from their first attempt on, each once, with how its last attempt went."""
    return await webhooks.deliveries(
        project, state=state, webhook_id=webhook_id, after=after, limit=limit
    )


@router.post(
    "/deliveries/{delivery_id}/retry",
    summary="Send an event to a webhook again",
    responses=declare(Conflict),
)
async def retry_delivery(
    project: str, delivery_id: str, webhooks: Injected[WebhookService], _: ByOperator
) -> messages.WebhookDelivery:
    """Send it now, under the same id: what waits, was given up, or was delivered before."""
    return await webhooks.retry(project, delivery_id)
