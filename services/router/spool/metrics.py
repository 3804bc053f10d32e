"""Metrics of the spools."""

from prometheus_client import Counter, Gauge

_PROJECT = ["project"]

SPOOLED = Counter("surehand_router_spooled_total", "Tasks that went to the spool")
SPOOL_ENTRIES = Gauge(
    "surehand_router_spool_entries",
    "Tasks in the spool, not yet acknowledged",
    multiprocess_mode="livesum",
)
AUDITS_SPOOLED = Counter(
    "surehand_router_audits_spooled_total", "Audit tasks that were made durable in their spool"
)
AUDIT_SPOOL_ENTRIES = Gauge(
    "surehand_router_audit_spool_entries",
    "Audit tasks in their spool, not yet acknowledged",
    multiprocess_mode="livesum",
)
DEAD_LETTERS = Counter(
    "surehand_router_dead_letters_total",
    "Spooled tasks that the review queue refused, and lines of the spool that were damaged",
)
