"""Wiring of the trainer, and its lifespan."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from fastapi import FastAPI
from obstore.exceptions import BaseError
from sqlalchemy.exc import SQLAlchemyError

from services.trainer.api import evidence, pool, runs, versions
from services.trainer.leases.owners import owner_name
from services.trainer.leases.service import Leases
from services.trainer.projects import Projects
from services.trainer.queue_client import QueueClient
from services.trainer.registry.documents import Documents
from services.trainer.repository import is_migrated
from services.trainer.resources import Resources
from services.trainer.settings import TrainerSettings
from services.trainer.worker import Worker
from shared.auth import Verifier
from shared.contracts.base import utc_now
from shared.db import Database
from shared.doorbells import Doorbells
from shared.http.app import build_app
from shared.settings import CommonSettings
from shared.store import Store

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

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.resources = resources
        async with resources.bells.listening(), worker.working():
            yield
        await resources.close()

    async def missing() -> dict[str, str]:
        return await _missing(resources, worker)

    return build_app(
        service="trainer",
        description=DESCRIPTION,
        lifespan=lifespan,
        routers=[pool.router, runs.router, versions.router, evidence.router],
        verifier=Verifier(common.keys_folder),
        missing=missing,
        body_limit_bytes=common.body_limit_bytes,
        larger_bodies={
            versions.UPLOAD_PATH: settings.model_limit_bytes + versions.UPLOAD_OVERHEAD_BYTES
        },
    )


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


async def _missing(resources: Resources, worker: Worker) -> dict[str, str]:
    lacks: dict[str, str] = {}
    try:
        async with resources.database.reading() as session:
            if not await is_migrated(session):
                lacks["database"] = "not migrated: run `python -m services migrate trainer`"
    except (SQLAlchemyError, OSError) as error:
        lacks["database"] = f"cannot be reached: {type(error).__name__}"
    try:
        await resources.store.folders()
    except (BaseError, OSError) as error:
        lacks["store"] = f"cannot be reached: {type(error).__name__}"
    lacks |= {f"documents of {name}": why for name, why in resources.documents.faults.items()}
    if not worker.feed_readable:
        lacks["review_queue"] = "its outcomes cannot be read"
    return lacks
