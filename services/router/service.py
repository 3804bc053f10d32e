"""The running router: its parts, started and stopped together."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from services.router.decision_log.shipping import DecisionLog
from services.router.handoff.delivery import Handoff
from services.router.handoff.review_queue import ReviewQueue
from services.router.handoff.spool import Spool
from services.router.metrics import (
    LOG_LAG_SECONDS,
    QUEUE_ITEMS,
    SPOOL_ENTRIES,
    VERSION_INFO,
    begin_counting,
)
from services.router.predict import Predictor
from services.router.scoring.threads import available_cpus
from services.router.tracing import TracedPredictor
from services.router.versions.registry import Versions
from shared import tracing
from shared.doorbells import Doorbells
from shared.settings import CommonSettings
from shared.store import Store


@dataclass(frozen=True)
class Router:
    """The parts that routes use."""

    predictor: Predictor
    versions: Versions
    handoff: Handoff
    log: DecisionLog
    bells: Doorbells
    now: Callable[[], datetime]
    poll_seconds: float

    def measure(self) -> None:
        """Set the gauges of what the parts hold at this moment."""
        VERSION_INFO.clear()
        QUEUE_ITEMS.clear()
        for project, view in self.versions.known().items():
            for role, loaded in view.loaded().items():
                VERSION_INFO.labels(project, loaded.version, role).set(1)
                QUEUE_ITEMS.labels(project).inc(loaded.batcher.items_waiting)
            begin_counting(project)
        SPOOL_ENTRIES.set(self.handoff.backlog)
        LOG_LAG_SECONDS.set(self.log.lag_seconds)


@contextlib.asynccontextmanager
async def running_router(
    common: CommonSettings, now: Callable[[], datetime]
) -> AsyncIterator[Router]:
    """Build the parts, and run them while the block lasts."""
    store = Store(common.store_address)
    bells = Doorbells(common.redis_url)
    versions = Versions(store, bells, poll_seconds=common.poll_seconds, threads=available_cpus())

    def retention() -> dict[str, float]:
        known = versions.known().items()
        return {name: view.documents.project.retention_days for name, view in known}

    log = DecisionLog(common.home / "decisions", store, now=now, retention=retention)
    handoff = Handoff(
        ReviewQueue(common.review_queue_url, common.service_token.get_secret_value()),
        Spool(common.home / "spool"),
        body_limit_bytes=common.body_limit_bytes,
    )
    secret = common.secret.get_secret_value()
    async with (
        bells.listening(),
        versions.watching(),
        log.running(),
        handoff.running(),
    ):
        kind = TracedPredictor if tracing.is_on() else Predictor
        predictor = kind(versions, handoff, log, secret, now)
        yield Router(predictor, versions, handoff, log, bells, now, common.poll_seconds)
