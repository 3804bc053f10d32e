"""Wiring of the trainer, and its lifespan."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial

from fastapi import FastAPI

from services.trainer.api import evidence, pool, runs, versions
from services.trainer.leases.owners import owner_name
from services.trainer.leases.service import Leases
from services.trainer.projects import Projects
from services.trainer.queue_client import QueueClient
from services.trainer.registry.documents import Documents
from services.trainer.resources import MIGRATIONS, Resources
from services.trainer.settings import TrainerSettings
from services.trainer.worker import Worker
from shared.auth import Verifier, show_token_expiry
from shared.contracts.base import utc_now
from shared.db import Database
from shared.db.check import DatabaseCheck, database_outage
from shared.doorbells import Doorbells
from shared.http.app import build_app
from shared.http.readiness import Checks
from shared.loops import loop_faults
from shared.settings import CommonSettings
from shared.store import Store
from shared.store.check import StoreCheck

DESCRIPTION = "Pool, datasets, training runs, model versions, certificates and audits."


def create_app(
    common: CommonSettings,
    settings: TrainerSettings,
    *,
    now: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """Make the trainer's application; its worker runs while the application does."""
    resources = open_resources(common, settings, now)
    worker = Worker(resources)
    show_token_expiry("trainer", common.service_token.get_secret_value())

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.resources = resources
        renewals = resources.leases.renewals.running()
        async with resources.bells.listening(), renewals, worker.working():
            yield
        await resources.close()

    app = build_app(
        service="trainer",
        description=DESCRIPTION,
        lifespan=lifespan,
        routers=[pool.router, runs.router, versions.router, evidence.router],
        verifier=Verifier(common.keys_folder),
        metrics_token=common.metrics_token.get_secret_value(),
        missing={"database": DatabaseCheck(resources.database, MIGRATIONS, "trainer")},
        degraded=_degraded(resources, worker),
        facts=resources.leases.facts,
        body_limit_bytes=common.body_limit_bytes,
        larger_bodies={
            versions.UPLOAD_PATH: settings.model_limit_bytes + versions.UPLOAD_OVERHEAD_BYTES
        },
    )
    app.state.outages.append(database_outage)
    return app


def open_resources(
    common: CommonSettings, settings: TrainerSettings, now: Callable[[], datetime] = utc_now
) -> Resources:
    """Make what every use case works with; nothing is connected yet."""
    home = common.home.resolve()
    database = Database(
        settings.database_url or f"sqlite+aiosqlite:///{home / 'trainer.db'}",
        # A trainer that is paused in a transaction must not keep its rows from the next one.
        idle_seconds=2 * settings.lease_seconds,
    )
    store, owner = Store(common.store_address), owner_name()
    projects, bells = Projects(store), Doorbells(common.redis_url)
    leases = Leases(database, owner, settings.lease_seconds, now)
    return Resources(
        common=common,
        settings=settings,
        database=database,
        store=store,
        projects=projects,
        queue=QueueClient(common.review_queue_url, common.service_token.get_secret_value()),
        bells=bells,
        leases=leases,
        documents=Documents(database, store, projects, bells, leases, now),
        now=now,
        owner=owner,
        runs_folder=home / "trainer" / "runs",
    )


def _degraded(resources: Resources, worker: Worker) -> Checks:
    async def loops() -> dict[str, str]:
        away = {} if worker.feed_readable else {"review_queue": "its outcomes cannot be read"}
        return away | loop_faults((*worker.loops, resources.leases.renewals, resources.bells.loop))

    return {
        "database": resources.database.check_writes,
        "store": StoreCheck(resources.store, "trainer"),
        "loops": loops,
        "documents": partial(_check_documents, resources),
    }


async def _check_documents(resources: Resources) -> dict[str, str]:
    return {f"documents of {name}": why for name, why in resources.documents.faults.items()}
