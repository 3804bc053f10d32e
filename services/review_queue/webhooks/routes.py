"""Routes of webhooks."""

from fastapi import APIRouter

from services.review_queue.webhooks.messages import WebhookList, WebhookStatus, WebhookTrial
from services.review_queue.webhooks.service import WebhookService
from shared.http.access import ByOperator, Injected
from shared.http.body import StrictRoute
from shared.problems import READ_PROBLEMS, declare

router = APIRouter(
    prefix="/v1/projects/{project}/webhooks", route_class=StrictRoute, tags=["webhooks"]
)

_PROBLEMS = declare(*READ_PROBLEMS)


@router.get("", summary="List webhooks and how they fare", responses=_PROBLEMS)
async def list_webhooks(
    project: str, webhooks: Injected[WebhookService], _: ByOperator
) -> WebhookList:
    """Return the project's webhooks; `PUT /v1/projects/{project}` is what changes them."""
    return await webhooks.page(project)


@router.post("/{webhook_id}/enable", summary="Send to a webhook again", responses=_PROBLEMS)
async def enable_webhook(
    project: str, webhook_id: str, webhooks: Injected[WebhookService], _: ByOperator
) -> WebhookStatus:
    """Go on from where it stopped: after its receiver answered 410, or asked for a pause."""
    return await webhooks.enable(project, webhook_id)


@router.post("/{webhook_id}/test", summary="Try a webhook", responses=_PROBLEMS)
async def try_webhook(
    project: str, webhook_id: str, webhooks: Injected[WebhookService], _: ByOperator
) -> WebhookTrial:
    """Send one `webhook.test` at once, and return what became of it."""
    return await webhooks.test(project, webhook_id)
