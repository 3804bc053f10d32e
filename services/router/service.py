"""The running router: its parts, started and stopped together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from services.router.admission import Admission
from services.router.decision_log.kinds import DECISIONS, SHADOW
from services.router.decision_log.shipping import RowLog
from services.router.handoff.delivery import Handoff
from services.router.handoff.review_queue import ReviewQueue
from services.router.handoff.spool import Spool
from services.router.predict import Predictor
from services.router.rates import RateLimit
from services.router.scoring.threads import threads_per_worker
from services.router.settings import RouterSettings
from services.router.shadows import Shadows
from services.router.versions.registry import Versions
from services.router.waiting.waiters import Waiters
from shared.doorbells import Doorbells
from shared.settings import CommonSettings
from shared.store import Store


@dataclass(frozen=True)
class Router:
    """The parts that routes use."""

    predictor: Predictor
    versions: Versions
    handoff: Handoff
    waiters: Waiters
    now: Callable[[], datetime]


@contextlib.asynccontextmanager
async def running_router(
    common: CommonSettings,
    settings: RouterSettings,
    now: Callable[[], datetime],
    stopping: asyncio.Event,
) -> AsyncIterator[Router]:
    """Build the parts, and run them while the block lasts."""
    store = Store(common.store_address)
    bells = Doorbells(common.redis_url)
    threads = threads_per_worker(settings.workers)
    versions = Versions(store, bells, poll_seconds=common.poll_seconds, threads=threads)

    def retention() -> dict[str, float]:
        known = versions.known().items()
        return {name: view.documents.project.retention_days for name, view in known}

    log = RowLog(DECISIONS, common.home / "decisions", store, now=now, retention=retention)
    shadow_log = RowLog(SHADOW, common.home / "shadow", store, now=now, retention=retention)
    shadows = Shadows(versions, shadow_log, now)
    queue = ReviewQueue(common.review_queue_url, common.service_token.get_secret_value())
    spool = Spool(common.home / "spool", limit_bytes=settings.spool_limit_bytes // settings.workers)
    handoff = Handoff(
        queue, spool, body_limit_bytes=common.body_limit_bytes, max_items=settings.max_items
    )
    waiters = Waiters(queue, limit=settings.max_waiters)
    secret = common.secret.get_secret_value()
    async with (
        bells.listening(),
        versions.watching(),
        log.running(),
        shadow_log.running(),
        shadows.running(),
        handoff.running(),
        waiters.running(stopping),
    ):
        predictor = Predictor(
            versions, handoff, waiters, log, shadows, secret, now, _admission(settings)
        )
        yield Router(predictor, versions, handoff, waiters, now)


def _admission(settings: RouterSettings) -> Admission:
    # Each worker gives its share, and takes its share of the calls.
    share = settings.rate_limit / settings.workers
    limit = RateLimit(share) if share else None
    return Admission(settings.max_wait_seconds, settings.max_items, limit)
