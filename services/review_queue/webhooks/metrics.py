"""The metrics of webhooks: each declared once, here."""

from prometheus_client import Counter, Gauge

DELIVERED = Counter(
    "surehand_review_queue_webhooks_delivered_total", "Events that receivers took", ["project"]
)
FAILED = Counter(
    "surehand_review_queue_webhooks_failed_total",
    "Events given up after the last attempt",
    ["project"],
)
RETRIES = Counter(
    "surehand_review_queue_webhook_retries_total", "Attempts to send an event again", ["project"]
)
PENDING = Gauge(
    "surehand_review_queue_webhook_pending_entries",
    "Deliveries that wait, in the whole database",
    ["project"],
    multiprocess_mode="livemax",
)
