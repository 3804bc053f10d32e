"""Wiring and lifespan of the review queue."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from services.review_queue.exchange.routes import IMPORT_PATH
from services.review_queue.fast_routes import WAYS
from services.review_queue.lifecycle.draws import LeaseDraws
from services.review_queue.lifecycle.outcomes.restores import Restores
from services.review_queue.lifecycle.rechecking import Rechecks
from services.review_queue.links.service import LinkService
from services.review_queue.links.signing import LinkSigner
from services.review_queue.routes import ROUTERS
from services.review_queue.services import build_services
from services.review_queue.settings import ReviewQueueSettings
from services.review_queue.webhooks.announcing import Announcer
from services.review_queue.webhooks.registration import WebhookRules
from services.review_queue.webhooks.relay import Relay
from services.review_queue.webhooks.sending import Sender
from services.review_queue.webhooks.transport import Transport
from services.review_queue.worker import Worker
from shared.contracts.base import utc_now
from shared.db import Database
from shared.db.check import DatabaseCheck, database_outage
from shared.doorbells import Doorbells
from shared.http.access import Services
from shared.http.app import build_app
from shared.http.readiness import Checks
from shared.loops import loop_faults
from shared.settings import CommonSettings
from shared.store import Store
from shared.store.check import StoreCheck

MIGRATIONS = Path(__file__).parent / "migrations"


def webhook_sender(settings: ReviewQueueSettings, now: Callable[[], datetime]) -> Sender:
    """Return what signs and sends events, under the installation's settings."""
    private = settings.webhooks_allow_private
    shared = frozenset(settings.webhook_shared_secrets.split())
    rules = WebhookRules(settings.webhook_secrets_dir, private, shared)
    return Sender(rules, Transport(allow_private=private), now)


def create_app(
    common: CommonSettings, settings: ReviewQueueSettings, *, now: Callable[[], datetime] = utc_now
) -> FastAPI:
    """Return the application; `now` is the clock of leases and due dates."""
    database, bells, store = _outside(common, settings)
    sender, poll = webhook_sender(settings, now), common.poll_seconds
    relay, restores = Relay(database, sender, now, poll), Restores(database, store, now)
    announcer, rechecks = Announcer(database, store, now), Rechecks(store)
    worker = Worker(database, bells, now, poll, relay, announcer, rechecks)
    parts = (database, bells, store, sender, *_secrets(common, settings))
    services = build_services(*parts, now=now, nudge=worker.nudge, poll_seconds=poll)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with bells.listening(app.state.stopping), worker.measurement.running():
            work = asyncio.create_task(worker.run(services, restores))
            try:
                yield
            finally:
                worker.stop()
                await work
                await sender.transport.close()
                await database.dispose()

    app = build_app(
        common,
        service="review_queue",
        description="Projects, tasks, leases, verdicts and the outcomes feed.",
        lifespan=lifespan,
        routers=ROUTERS,
        is_revoked=services[LinkService].is_revoked,
        missing={"database": DatabaseCheck(database, MIGRATIONS, "review_queue")},
        degraded=_degraded(database, store, worker, bells),
        ways=WAYS,
        larger_bodies={IMPORT_PATH: settings.import_limit_bytes},
    )
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=common.trusted_proxies.split())
    return _with_state(app, services, settings)


def _degraded(database: Database, store: Store, worker: Worker, bells: Doorbells) -> Checks:
    async def loops() -> dict[str, str]:
        return loop_faults((*worker.loops, worker.measurement.loop, bells.loop))

    return {
        "database": database.check_writes,
        "store": StoreCheck(store, "review_queue"),
        "loops": loops,
    }


def _secrets(
    common: CommonSettings, settings: ReviewQueueSettings
) -> tuple[LeaseDraws, LinkSigner]:
    draws = LeaseDraws(common.secret.get_secret_value())
    return draws, LinkSigner(settings.signing_keys_dir or common.home / "keys")


def _outside(
    common: CommonSettings, settings: ReviewQueueSettings
) -> tuple[Database, Doorbells, Store]:
    database = Database(common.database_address("review_queue", settings.database_url))
    return database, Doorbells(common.redis_url), Store(common.store_address)


def _with_state(app: FastAPI, services: Services, settings: ReviewQueueSettings) -> FastAPI:
    app.state.services = services
    app.state.console_url = settings.console_url
    app.state.outages.append(database_outage)
    return app
