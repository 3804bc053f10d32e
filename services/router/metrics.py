"""The router's metrics, but for those of its logs (`decision_log/shipping.py`)."""

from functools import partial

from prometheus_client import Counter, Gauge

from shared.metrics import QuickCounter, QuickHistogram

_PROJECT = ["project"]
_sum = partial(Gauge, multiprocess_mode="livesum")

REFUSED = Counter(
    "surehand_router_refused_total",
    "Calls refused because there were too many, by cause",
    ["cause"],
)
PICTURE_BYTES = _sum(
    "surehand_router_picture_bytes",
    "Bytes of pictures that are being decoded, or are and wait for their model",
)
SCORING_FAILURES = Counter(
    "surehand_router_scoring_failures_total",
    "Items that the loaded version could not score",
    _PROJECT,
)
RUN_TIMEOUTS = Counter(
    "surehand_router_run_timeouts_total",
    "Runs of a model that were ended at their deadline, or went on past it",
    _PROJECT,
)
QUEUE_SECONDS = QuickHistogram(
    "surehand_router_queue_seconds",
    "Seconds from a call's arrival at its model version to its first run",
    _PROJECT,
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
QUEUE_ITEMS = _sum("surehand_router_queue_items", "Items that wait to be scored", _PROJECT)
INFERENCE_SECONDS = QuickHistogram(
    "surehand_router_inference_seconds",
    "Seconds that one batch takes in ONNX Runtime",
    _PROJECT,
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5),
)
BATCH_ITEMS = QuickHistogram(
    "surehand_router_batch_items", "Items in one batch", _PROJECT, buckets=(1, 2, 4, 8, 16, 32, 64)
)
SPOOLED = Counter("surehand_router_spooled_total", "Tasks that went to the spool")
SPOOL_ENTRIES = _sum("surehand_router_spool_entries", "Tasks in the spool, not yet acknowledged")
AUDITS_SPOOLED = Counter(
    "surehand_router_audits_spooled_total", "Audit tasks that were made durable in their spool"
)
AUDIT_SPOOL_ENTRIES = _sum(
    "surehand_router_audit_spool_entries", "Audit tasks in their spool, not yet acknowledged"
)
DEAD_LETTERS = Counter(
    "surehand_router_dead_letters_total",
    "Spooled tasks that the review queue refused, and lines of the spool that were damaged",
)
VERSION_INFO = Gauge(
    "surehand_router_version_info",
    "Model versions in memory, with the role each plays; always 1",
    ["project", "version", "role"],
    multiprocess_mode="livemax",
)
RELOADS = Counter("surehand_router_reloads_total", "Versions loaded", _PROJECT)
RELOAD_FAILURES = Counter(
    "surehand_router_reload_failures_total",
    "Attempts to load a version that were refused",
    _PROJECT,
)
REFUSED_DOCUMENTS = Counter(
    "surehand_router_refused_documents_total",
    "Documents of the store that were not accepted: older, malformed, or of unexpected content",
    ["project", "document", "cause"],
)
REFUSED_CERTIFICATES = Counter(
    "surehand_router_refused_certificates_total",
    "Certificates that do not hold in themselves, by what is wrong",
    ["project", "cause"],
)
STORE_FAILURES = Counter("surehand_router_store_failures_total", "Store reads that failed")
WAITERS = _sum("surehand_router_waiters", "Items whose resolution calls are waiting for")
DECISIONS = QuickCounter(
    "surehand_router_decisions_total",
    "Items decided, by kind and reason",
    ["project", "decision", "reason"],
)
AUDITS = Counter("surehand_router_audits_total", "Answers that also went to blind review", _PROJECT)
_SHADOW_ITEMS = Counter(
    "surehand_router_shadow_items_total",
    "Items of shadow versions: scored, unscored (it could not, or not in time), dropped (no room)",
    ["result"],
)
SHADOW_SCORED = _SHADOW_ITEMS.labels("scored")
SHADOW_UNSCORED = _SHADOW_ITEMS.labels("unscored")
SHADOW_DROPPED = _SHADOW_ITEMS.labels("dropped")
