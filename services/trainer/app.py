"""The trainer's application: its parts, put together, and its lifespan."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from fastapi import FastAPI

from services.trainer.changes import routes as changes
from services.trainer.datasets import routes as datasets
from services.trainer.jobs import routes as jobs
from services.trainer.jobs.worker import JobWorker
from services.trainer.labelling import routes as labelling
from services.trainer.ledger import routes as ledger
from services.trainer.ledger.retention import LedgerRetention
from services.trainer.ledger.service import LedgerReader
from services.trainer.ledger.settling import Settling
from services.trainer.lineage import routes as lineage
from services.trainer.measuring import TrainerMeasurement
from services.trainer.monitoring import routes as monitoring
from services.trainer.pool import routes as pool
from services.trainer.promise import routes as promise
from services.trainer.registry import routes as registry
from services.trainer.resources import MIGRATIONS, Resources, open_resources
from services.trainer.runs import routes as runs
from services.trainer.runs.announcing import RecipeAnnouncement
from services.trainer.selection import routes as selection
from services.trainer.settings import TrainerSettings
from services.trainer.shadow import routes as shadow
from services.trainer.uploads import routes as uploads
from services.trainer.watch import routes as watch
from services.trainer.worker import Worker
from shared.auth import show_token_expiry
from shared.contracts.base import utc_now
from shared.db.check import DatabaseCheck, database_outage
from shared.http.app import build_app
from shared.http.readiness import Checks
from shared.loops import Loop, loop_faults
from shared.settings import CommonSettings
from shared.store.check import StoreCheck

_ROUTES = (changes, pool, selection, labelling, runs, datasets, uploads, registry, shadow)
_ROUTERS = [
    *(each.router for each in (*_ROUTES, promise, watch, ledger)),
    *(monitoring.drift_router, monitoring.slices_router, monitoring.plans_router),
    *(jobs.router, lineage.router, ledger.all_projects, watch.all_projects),
]
DESCRIPTION = "Pool, datasets, training runs, model versions, certificates and audits."


def create_app(
    common: CommonSettings, settings: TrainerSettings, *, now: Callable[[], datetime] = utc_now
) -> FastAPI:
    """Make the trainer's application; its worker runs while the application does."""
    resources = open_resources(common, settings, now)
    reader, measurement = LedgerReader(), TrainerMeasurement(resources)
    worker = Worker(resources, reader)
    loops = [one(resources).loop for one in (LedgerRetention, RecipeAnnouncement, JobWorker)]
    upload_bytes = settings.model_limit_bytes + uploads.UPLOAD_OVERHEAD_BYTES
    show_token_expiry("trainer", common.service_token.get_secret_value())

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.resources, app.state.settling = resources, Settling(resources, reader)
        renewals = resources.leases.renewals.running()
        parts = (resources.bells.listening(), renewals, worker.working(), measurement.running())
        async with contextlib.AsyncExitStack() as running:
            for part in (*parts, *(loop.running() for loop in loops)):
                await running.enter_async_context(part)
            yield
        await resources.close()

    app = build_app(
        common,
        service="trainer",
        description=DESCRIPTION,
        lifespan=lifespan,
        routers=_ROUTERS,
        missing={"database": DatabaseCheck(resources.database, MIGRATIONS, "trainer")},
        degraded=_degraded(resources, worker, [measurement.loop, *loops]),
        facts=resources.leases.facts,
        larger_bodies={
            jobs.SCORING_PATH: settings.scoring_limit_bytes,
            **dict.fromkeys(uploads.UPLOAD_PATHS, upload_bytes),
        },
    )
    app.state.outages.append(database_outage)
    return app


def _degraded(resources: Resources, worker: Worker, more: Sequence[Loop]) -> Checks:
    async def loops() -> dict[str, str]:
        away = {} if worker.feed_readable else {"review_queue": "its outcomes cannot be read"}
        return away | loop_faults(
            (*worker.loops, *more, resources.leases.renewals, resources.bells.loop)
        )

    async def documents() -> dict[str, str]:
        return {f"documents of {name}": why for name, why in resources.documents.faults.items()}

    return {
        "database": resources.database.check_writes,
        "store": StoreCheck(resources.store, "trainer"),
        "loops": loops,
        "documents": documents,
    }
