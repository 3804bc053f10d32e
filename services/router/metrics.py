"""The router's metrics: each declared once, here."""

from prometheus_client import Counter, Gauge

DECISIONS = Counter(
    "surehand_router_decisions_total", "Decisions, by kind and reason", ["decision", "reason"]
)
AUDITS = Counter("surehand_router_audits_total", "Answers that also went to blind review")
SCORING_FAILURES = Counter(
    "surehand_router_scoring_failures_total", "Items that the loaded version could not score"
)
RELOADS = Counter("surehand_router_reloads_total", "Versions loaded and swapped in")
RELOAD_FAILURES = Counter(
    "surehand_router_reload_failures_total", "Attempts to load a version that were refused"
)
STORE_FAILURES = Counter("surehand_router_store_failures_total", "Store reads that failed")
SPOOLED = Counter("surehand_router_spooled_total", "Tasks that went to the spool")
SPOOL_ENTRIES = Gauge("surehand_router_spool_entries", "Tasks in the spool, not yet acknowledged")
DEAD_LETTERS = Counter(
    "surehand_router_dead_letters_total", "Spooled tasks that the review queue refused"
)
WAITERS = Gauge("surehand_router_waiters", "Items whose resolution calls are waiting for")
LOG_LAG_SECONDS = Gauge(
    "surehand_router_decision_log_lag_seconds", "Age of the oldest row that is not yet in the store"
)
LOG_LOST = Counter(
    "surehand_router_decision_log_lost_total", "Decision rows that could not be written locally"
)
