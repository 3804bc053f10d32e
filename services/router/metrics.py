"""The router's metrics: each declared once, here."""

from collections.abc import Sequence
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from services.router.routing import Decision

DECISIONS = Counter(
    "surehand_router_decisions_total", "Decisions, by kind and reason", ["decision", "reason"]
)
AUDITS = Counter("surehand_router_audits_total", "Answers that also went to blind review")
SCORING_FAILURES = Counter(
    "surehand_router_scoring_failures_total", "Items that the loaded version could not score"
)
WAIT_SECONDS = Histogram(
    "surehand_router_queue_seconds",
    "Seconds from a call's arrival at its model version to its first run",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
INFERENCE_SECONDS = Histogram(
    "surehand_router_inference_seconds",
    "Seconds that one batch takes in ONNX Runtime",
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5),
)
BATCH_ITEMS = Histogram(
    "surehand_router_batch_items", "Items in one batch", buckets=(1, 2, 4, 8, 12, 16)
)
REFUSED = Counter(
    "surehand_router_refused_total",
    "Calls refused because there were too many, by cause",
    ["cause"],
)
RELOADS = Counter("surehand_router_reloads_total", "Versions loaded")
RELOAD_FAILURES = Counter(
    "surehand_router_reload_failures_total", "Attempts to load a version that were refused"
)
STORE_FAILURES = Counter("surehand_router_store_failures_total", "Store reads that failed")
SPOOLED = Counter("surehand_router_spooled_total", "Tasks that went to the spool")
SPOOL_ENTRIES = Gauge(
    "surehand_router_spool_entries",
    "Tasks in the spool, not yet acknowledged",
    multiprocess_mode="livesum",
)
DEAD_LETTERS = Counter(
    "surehand_router_dead_letters_total", "Spooled tasks that the review queue refused"
)
WAITERS = Gauge("surehand_router_waiters", "Items whose resolution calls are waiting for")
LOG_LAG_SECONDS = Gauge(
    "surehand_router_decision_log_lag_seconds",
    "Age of the oldest row that is not yet in the store",
    multiprocess_mode="livemax",
)
LOG_LOST = Counter(
    "surehand_router_decision_log_lost_total", "Decision rows that could not be written locally"
)
_SHADOW_ITEMS = Counter(
    "surehand_router_shadow_items_total",
    "Items of shadow versions: scored, unscored (the version could not), dropped (no room)",
    ["result"],
)
SHADOW_SCORED = _SHADOW_ITEMS.labels("scored")
SHADOW_UNSCORED = _SHADOW_ITEMS.labels("unscored")
SHADOW_DROPPED = _SHADOW_ITEMS.labels("dropped")
SHADOW_LOG_LAG_SECONDS = Gauge(
    "surehand_router_shadow_log_lag_seconds", "Age of the oldest row that is not yet in the store"
)
SHADOW_LOG_LOST = Counter(
    "surehand_router_shadow_log_lost_total", "Shadow rows that could not be written locally"
)


def count_decisions(decisions: Sequence[Decision]) -> None:
    """Count what became of the items of one call."""
    for decision in decisions:
        _counter(decision.decision, decision.reason).inc()
        if decision.audited:
            AUDITS.inc()


@cache
def _counter(decision: str, reason: str) -> Counter:
    return DECISIONS.labels(decision, reason)
