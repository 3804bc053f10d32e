"""A receiver of webhooks over real HTTP, and a review queue whose relays tests drive by hand."""

import asyncio
import contextlib
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from standardwebhooks import Webhook as Verifier

from services.review_queue.app import webhook_sender
from services.review_queue.lifecycle.decisions import DecisionService
from services.review_queue.lifecycle.draws import LeaseDraws
from services.review_queue.lifecycle.intake import IntakeService
from services.review_queue.lifecycle.messages import VerdictOnBehalf
from services.review_queue.links.signing import LinkSigner
from services.review_queue.projects.messages import ProjectStatement
from services.review_queue.projects.service import ProjectService
from services.review_queue.services import build_services
from services.review_queue.settings import ReviewQueueSettings
from services.review_queue.webhooks.messages import WebhookStatus
from services.review_queue.webhooks.relay import Relay
from services.review_queue.webhooks.sending import Sender
from services.review_queue.webhooks.service import WebhookService
from shared.contracts.base import task_id_for
from shared.db import Database
from shared.doorbells import Doorbells
from shared.http.access import Services
from shared.settings import CommonSettings
from shared.store import Store
from tests.harness import serve
from tests.harness.clock import Clock
from tests.harness.desk import PROJECT, Json, entry

Answer = Callable[[], Awaitable[Response]]


@dataclass(frozen=True)
class Message:
    """What came in one request."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> Json:
        event: Json = orjson.loads(self.body)
        return event

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """The event, if an implementation that is not ours trusts it."""
        return Verifier(secret).verify(self.body, dict(self.headers))


async def taken() -> Response:
    return Response(status_code=204)


def saying(status: int, **headers: str) -> Answer:
    async def answer() -> Response:
        return Response(
            status_code=status, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    return answer


@dataclass
class Receiver:
    """Answers what `script` says, one a request, then 204; `received` is all that came."""

    base_url: str = ""
    script: list[Answer] = field(default_factory=list)
    received: list[Message] = field(default_factory=list)
    always: Answer = taken

    @property
    def url(self) -> str:
        return self.base_url + "/hook?from=surehand"

    @property
    def kinds(self) -> list[str]:
        return [message.event["type"] for message in self.received]

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/hook")
        async def hook(request: Request) -> Response:
            self.received.append(Message(request.headers, await request.body()))
            return await (self.script.pop(0) if self.script else self.always)()

        return app


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with serve(receiver.app()) as receiver.base_url:
        yield receiver


def new_secret() -> str:
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def hook(receiver: Receiver, **parts: Any) -> Json:
    """A webhook as a project states it."""
    return {"url": receiver.url, "secret_ref": "shop_hook", **parts}


@dataclass
class QueueParts:
    """The review queue's services on a database, without their worker: relays run when told to."""

    database: Database
    sender: Sender
    services: Services
    clock: Clock
    secret: str

    def relay(self, draw: float = 0.5) -> Relay:
        return Relay(self.database, self.sender, self.clock, 0.1, draw=lambda: draw)

    async def put(self, *webhooks: Json, project: str = "shop") -> None:
        spec = ProjectStatement.model_validate(PROJECT | {"webhooks": list(webhooks)})
        await self.services[ProjectService].put(project, spec)

    async def resolve(self, *item_ids: str, project: str = "shop") -> None:
        for item_id in item_ids:
            await self.services[IntakeService].enqueue(project, [entry(item_id)], "tests")
            verdict = VerdictOnBehalf(reviewer="r1", label="positive")
            task_id = task_id_for(project, item_id)
            await self.services[DecisionService].record(project, task_id, verdict, "tests")

    async def pump(self, *relays: Relay) -> None:
        """Let each relay, or a new one, go once round, at once, and finish what it began."""
        relays = relays or (self.relay(),)
        await asyncio.gather(*(relay.round() for relay in relays))
        await asyncio.gather(*(relay.settled() for relay in relays))

    async def statuses(self, project: str = "shop") -> list[WebhookStatus]:
        return (await self.services[WebhookService].page(project)).webhooks

    async def status(self) -> WebhookStatus:
        (status,) = await self.statuses()
        return status


@contextlib.asynccontextmanager
async def open_queue_parts(
    common: CommonSettings, settings: ReviewQueueSettings, clock: Clock
) -> AsyncIterator[QueueParts]:
    database = Database(settings.database_url)
    sender = webhook_sender(settings, clock)
    services = build_services(
        database, Doorbells(""), Store(common.store_address), sender, LeaseDraws("secret"),
        LinkSigner(common.home),
        now=clock, nudge=lambda: None, poll_seconds=0.1,
    )  # fmt: skip
    secret = (settings.webhook_secrets_dir / "shop_hook").read_text().strip()
    try:
        yield QueueParts(database, sender, services, clock, secret)
    finally:
        await sender.transport.close()
        await database.dispose()


def with_webhooks(settings: ReviewQueueSettings, home: Path) -> ReviewQueueSettings:
    """Settings that allow receivers on loopback, with one secret of each of three projects."""
    folder = home / "hook-secrets"
    folder.mkdir()
    for project in ("shop", "other", "counted"):
        (folder / f"{project}_hook").write_text(new_secret() + "\n")
    changes = {"webhooks_allow_private": True, "webhook_secrets_dir": folder}
    return settings.model_copy(update=changes)
