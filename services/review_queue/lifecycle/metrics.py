"""The review queue's metrics, but for the webhooks': each declared once, here."""

from prometheus_client import Counter, Gauge

from shared.metrics import confidential

WAITING = confidential(
    Gauge(
        "surehand_review_queue_waiting_items",
        "Tasks that reviewers may answer or hold, in the whole database",
        ["project", "lane"],
        multiprocess_mode="livemax",
    )
)
OLDEST_WAIT = confidential(
    Gauge(
        "surehand_review_queue_oldest_wait_seconds",
        "Age of the oldest of these tasks",
        ["project", "lane"],
        multiprocess_mode="livemax",
    )
)
DISPUTED = confidential(
    Gauge(
        "surehand_review_queue_disputed_items",
        "Tasks that wait for an adjudicator, in the whole database",
        ["project"],
        multiprocess_mode="livemax",
    )
)
VERDICTS = Counter(
    "surehand_review_queue_verdicts_total",
    "Answers recorded by this process, by kind: verdict, skip, on-behalf, imported",
    ["project", "kind"],
)
OUTCOMES = confidential(
    Counter(
        "surehand_review_queue_outcomes_total",
        "Outcomes that this process put into the feed",
        ["project", "lane", "source"],
    )
)
