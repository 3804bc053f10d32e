"""The router's services, started and stopped together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial

from services.router.decision_log.announcing import ShippedLogs
from services.router.decision_log.checkpoints import Checkpoints
from services.router.decision_log.shipping import DECISIONS, SHADOW, Retention, RowLog
from services.router.delivery.free_reviewers import FreeReviewers
from services.router.delivery.handoff import Handoff
from services.router.delivery.review_queue import ReviewQueue
from services.router.limits.admission import Admission
from services.router.limits.rates import RateLimit
from services.router.metrics import AUDIT_SPOOL_ENTRIES, AUDITS_SPOOLED
from services.router.outcomes.ledger import Ledger
from services.router.outcomes.service import Outcomes
from services.router.pictures.decoding import Decoder
from services.router.pictures.opening import Pictures
from services.router.predict.measuring import Measuring
from services.router.predict.predictor import Predictor
from services.router.predict.shadows import Shadows
from services.router.predict.tracing import TracedPredictor
from services.router.protocols.dependencies import Services
from services.router.settings import RouterSettings
from services.router.spool.spool import Spool
from services.router.versions.registry import Versions
from services.router.waiting.waiters import Waiters
from shared import tracing
from shared.cgroup import processors
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
    shipped, checkpoints = ShippedLogs(store, bells), Checkpoints(store, bells, now)
    versions = _versions(common, settings, store, bells, checkpoints)
    retention = partial(_retention, versions)
    kept = partial(RowLog, store=store, now=now, retention=retention)
    log = kept(DECISIONS, common.home / "decisions", shipped=shipped.note, checkpoints=checkpoints)
    shadow_log = kept(SHADOW, common.home / "shadow")
    token = common.service_token.get_secret_value()
    queue = ReviewQueue(common.review_queue_url, token)
    predictor = _predictor(common, settings, now, versions, queue, (log, shadow_log))
    outcomes = Outcomes(predictor.handoff, predictor.waiters, Ledger(common.trainer_url, token))
    expiry = _expiry(predictor.handoff, now, retention)
    loops = [bells.loop, *shipped.loops, checkpoints.loop, log.loop, shadow_log.loop, versions.loop]
    loops += [predictor.shadows.loop, *predictor.handoff.loops, expiry]
    async with (
        bells.listening(),
        shipped.running(),
        log.running(),
        versions.watching(),
        shadow_log.running(),
        predictor.shadows.loop.running(),
        predictor.handoff.running(),
        predictor.reviewers.running(),
        expiry.running(),
        predictor.waiters.running(stopping),
        outcomes.running(),
        Measuring(versions, (log, shadow_log), common.poll_seconds).running() as measuring,
    ):
        yield Services(predictor, versions, queue, outcomes, (*loops, measuring.loop), common)


def _versions(
    common: CommonSettings,
    settings: RouterSettings,
    store: Store,
    bells: Doorbells,
    checkpoints: Checkpoints,
) -> Versions:
    return Versions(
        store,
        bells,
        poll_seconds=common.poll_seconds,
        threads=_threads(settings),
        run_seconds=settings.run_seconds,
        register=checkpoints.register,
        checkpoint_requested=checkpoints.request,
    )


def _threads(settings: RouterSettings) -> int:
    """Return how many processors each worker may use, at least 1."""
    return max(1, processors() // settings.workers)


def _retention(versions: Versions) -> dict[str, float]:
    known = versions.known().items()
    days = {name: view.documents.project.retention_days for name, view in known}
    return dict.fromkeys(versions.deleted, 0.0) | days


def _expiry(handoff: Handoff, now: Callable[[], datetime], retention: Retention) -> Loop:
    """Return the loop that drops old dead letters each hour, as soon as a project is known."""

    async def expire() -> None:
        if known := retention():
            await handoff.expire_letters(now(), known)

    return Loop("dead_letters", expire, lambda: asyncio.sleep(3600.0 if retention() else 2.0))


def _predictor(
    common: CommonSettings,
    settings: RouterSettings,
    now: Callable[[], datetime],
    versions: Versions,
    queue: ReviewQueue,
    logs: tuple[RowLog, RowLog],
) -> Predictor:
    # The event loop is to have a processor as well, where there is another.
    threads = max(1, min(_MOST_DECODING, _threads(settings) - 1))
    pictures = Pictures(Decoder(threads, max_wait_seconds=settings.max_wait_seconds))
    rate = settings.rate_limit / settings.workers
    spool_bytes = settings.spool_limit_bytes // settings.workers
    handoff = Handoff(
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
    return (TracedPredictor if tracing.is_on() else Predictor)(
        versions=versions,
        handoff=handoff,
        waiters=Waiters(queue, limit=settings.max_waiters),
        log=logs[0],
        shadows=Shadows(versions, logs[1], pictures, now),
        admission=Admission(settings.max_wait_seconds, settings.max_items),
        pictures=pictures,
        reviewers=FreeReviewers(queue),
        rate_limit=RateLimit(rate) if rate else None,
        secret=common.secret.get_secret_value(),
        now=now,
    )
