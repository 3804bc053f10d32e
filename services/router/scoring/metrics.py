"""Metrics of scoring."""

from prometheus_client import Counter, Gauge

from shared.metrics import QuickHistogram

_PROJECT = ["project"]

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
QUEUE_ITEMS = Gauge(
    "surehand_router_queue_items",
    "Items that wait to be scored",
    _PROJECT,
    multiprocess_mode="livesum",
)
INFERENCE_SECONDS = QuickHistogram(
    "surehand_router_inference_seconds",
    "Seconds that one batch takes in ONNX Runtime",
    _PROJECT,
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5),
)
BATCH_ITEMS = QuickHistogram(
    "surehand_router_batch_items", "Items in one batch", _PROJECT, buckets=(1, 2, 4, 8, 16, 32, 64)
)
