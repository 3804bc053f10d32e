"""The router's services, started and stopped together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial

from services.router.decision_log.announcing import ShippedLogs
from services.router.decision_log.kinds import DECISIONS, SHADOW
from services.router.decision_log.shipping import Retention, RowLog
from services.router.delivery.handoff import Handoff
from services.router.delivery.review_queue import ReviewQueue
from services.router.limits.admission import Admission
from services.router.limits.rates import RateLimit
from services.router.pictures.decoding import Decoder
from services.router.pictures.opening import Pictures
from services.router.predict.measuring import Measuring
from services.router.predict.predictor import Predictor
from services.router.predict.shadows import Shadows
from services.router.predict.tracing import TracedPredictor
from services.router.protocols.dependencies import Services
from services.router.scoring.threads import threads_per_worker
from services.router.settings import RouterSettings
from services.router.spool.dead_letters import Expiry
from services.router.spool.metrics import AUDIT_SPOOL_ENTRIES, AUDITS_SPOOLED
from services.router.spool.spool import Spool
from services.router.versions.registry import Versions
from services.router.waiting.waiters import Waiters
from shared import tracing
from shared.doorbells import Doorbells
from shared.loops import Loop
from shared.settings import CommonSettings
from shared.store import Store

# What one large image takes while it is decoded is a thread's.
_MOST_DECODING = 2


@contextlib.asynccontextmanager
async def running_services(
    common: CommonSettings,
    settings: RouterSettings,
    now: Callable[[], datetime],
    stopping: asyncio.Event,
) -> AsyncIterator[Services]:
    """Build the services, and run them while the block lasts."""
    store, bells = Store(common.store_address), Doorbells(common.redis_url)
    versions, pictures = _versions(store, bells, common, settings), _pictures(settings)
    retention, shipped = partial(_retention, versions), ShippedLogs(store, bells)
    log, shadow_log = _row_logs(common, store, now, retention, shipped.note)
    shadows = Shadows(versions, shadow_log, pictures, now)
    queue = ReviewQueue(common.review_queue_url, common.service_token.get_secret_value())
    handoff, waiters = _handoff(queue, common, settings), Waiters(queue, limit=settings.max_waiters)
    async with (
        bells.listening(),
        versions.watching(),
        shipped.running(),
        log.running(),
        shadow_log.running(),
        shadows.running(),
        handoff.running(),
        Expiry(handoff.expire_letters, now=now, retention=retention).running() as expiry,
        waiters.running(stopping),
        Measuring(versions, (log, shadow_log), common.poll_seconds).running() as measuring,
    ):
        predictor = (TracedPredictor if tracing.is_on() else Predictor)(
            versions=versions,
            handoff=handoff,
            waiters=waiters,
            log=log,
            shadows=shadows,
            admission=Admission(settings.max_wait_seconds, settings.max_items),
            pictures=pictures,
            rate_limit=_rate_limit(settings),
            secret=common.secret.get_secret_value(),
            now=now,
        )
        others = (bells.loop, *shipped.loops, shadow_log.loop, expiry.loop, measuring.loop)
        yield _services(predictor, queue, others)


def _versions(
    store: Store, bells: Doorbells, common: CommonSettings, settings: RouterSettings
) -> Versions:
    return Versions(
        store,
        bells,
        poll_seconds=common.poll_seconds,
        threads=threads_per_worker(settings.workers),
        run_seconds=settings.run_seconds,
    )


def _row_logs(
    common: CommonSettings,
    store: Store,
    now: Callable[[], datetime],
    retention: Retention,
    shipped: Callable[[str], None],
) -> tuple[RowLog, RowLog]:
    """Return the decision log, and that of shadows."""
    return (
        RowLog(
            *(DECISIONS, common.home / "decisions", store),
            now=now,
            retention=retention,
            shipped=shipped,
        ),
        RowLog(SHADOW, common.home / "shadow", store, now=now, retention=retention),
    )


def _services(predictor: Predictor, queue: ReviewQueue, others: Sequence[Loop]) -> Services:
    versions, handoff = predictor.versions, predictor.handoff
    return Services(
        predictor=predictor,
        versions=versions,
        handoff=handoff,
        waiters=predictor.waiters,
        queue=queue,
        loops=(versions.loop, predictor.log.loop, predictor.shadows.loop, *handoff.loops, *others),
        now=predictor.now,
    )


def _retention(versions: Versions) -> dict[str, float]:
    known = versions.known().items()
    return {name: view.documents.project.retention_days for name, view in known}


def _handoff(queue: ReviewQueue, common: CommonSettings, settings: RouterSettings) -> Handoff:
    spool_bytes = settings.spool_limit_bytes // settings.workers
    return Handoff(
        queue,
        Spool(common.home / "spool", limit_bytes=spool_bytes),
        Spool(
            common.home / "audits",
            limit_bytes=spool_bytes,
            entries=AUDIT_SPOOL_ENTRIES,
            spooled=AUDITS_SPOOLED,
        ),
        body_limit_bytes=common.body_limit_bytes,
        max_items=settings.max_items,
    )


def _pictures(settings: RouterSettings) -> Pictures:
    # The event loop is to have a processor as well, where there is another.
    threads = max(1, min(_MOST_DECODING, threads_per_worker(settings.workers) - 1))
    return Pictures(Decoder(threads, max_wait_seconds=settings.max_wait_seconds))


def _rate_limit(settings: RouterSettings) -> RateLimit | None:
    return RateLimit(settings.rate_limit / settings.workers) if settings.rate_limit else None
