"""A service that is killed between sending an event and recording it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import Response

from services.review_queue.settings import ReviewQueueSettings
from services.review_queue.webhooks.relay import CLAIM
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.e2e.review_queue.test_kill import environment
from tests.harness import client, free_port, spawn, wait_until
from tests.harness.clock import Clock
from tests.harness.databases import create_tables
from tests.harness.desk import PROJECT, body_of, entry, open_desk
from tests.integration.review_queue.webhooks.receiver import hook, receiving, with_webhooks

pytestmark = pytest.mark.thorough


async def test_event_is_sent_again_under_its_id_after_sigkill(
    common: CommonSettings, database_url: str, keys: Keys, home: Path
) -> None:
    await create_tables("review_queue", database_url)
    settings = with_webhooks(ReviewQueueSettings(database_url=database_url), home)
    variables = environment(common, database_url) | {
        "SUREHAND_REVIEW_QUEUE_WEBHOOKS_ALLOW_PRIVATE": "true",
        "SUREHAND_REVIEW_QUEUE_WEBHOOK_SECRETS_DIR": str(settings.webhook_secrets_dir),
    }
    async with receiving() as receiver:
        with spawn("review_queue", home, free_port(), health="/readyz", **variables) as running:

            async def killing() -> Response:
                running.kill()
                return Response(status_code=204)

            receiver.script = [killing]
            async with client(running.base_url, keys.issue("operator", "o1")) as operator:
                await resolve_one(operator, {"webhooks": [hook(receiver)]})
                await wait_until(lambda: running.process.poll() is not None)
        assert len(receiver.received) == 1
        # A later start finds the claim of the dead, whose time is over.
        clock = Clock()
        clock.moment = datetime.now(UTC) + CLAIM
        async with open_desk(common, settings, keys, clock) as desk:
            await wait_until(lambda: len(receiver.received) == 2)

            async def recorded() -> bool:
                url = "/v1/projects/shop/webhooks"
                (webhook,) = body_of(await desk.operator.get(url))["webhooks"]
                return (webhook["delivered"], webhook["pending"]) == (1, 0)

            await wait_until(recorded)
    first, again = receiver.received
    assert first.message_id == again.message_id
    assert first.body == again.body


async def resolve_one(operator: httpx.AsyncClient, changes: dict[str, object]) -> None:
    """Put the project, ask about one item and answer it; the last answer may never come."""
    body_of(await operator.put("/v1/projects/shop", json=PROJECT | changes), 201)
    body_of(await operator.post("/v1/projects/shop/tasks", json={"tasks": [entry("a")]}))
    lease = body_of(await operator.post("/v1/projects/shop/leases"))["leases"][0]
    verdict = operator.post(f"/v1/leases/{lease['token']}/verdict", json={"label": "positive"})
    await asyncio.gather(verdict, return_exceptions=True)
