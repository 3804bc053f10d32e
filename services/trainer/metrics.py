"""The trainer's metrics: each declared once, here."""

from prometheus_client import Gauge

from shared.metrics import confidential

PROMISE = Gauge(
    "surehand_trainer_promise_info",
    "The state of each version's promise, and the version's role; always 1",
    ["project", "version", "role", "state"],
    multiprocess_mode="livemax",
)
EXPIRES = Gauge(
    "surehand_trainer_certificate_expires_timestamp_seconds",
    "When a version's certificate expires, as Unix time",
    ["project", "version"],
    multiprocess_mode="livemax",
)
WATCHED_UNTIL = Gauge(
    "surehand_trainer_watched_until_timestamp_seconds",
    "Until when routers may answer without news of the trainer, as Unix time",
    ["project"],
    multiprocess_mode="livemax",
)
AUDITS = confidential(
    Gauge(
        "surehand_trainer_audits_items",
        "Audited answers: waiting for people, found right, found wrong",
        ["project", "version", "result"],
        multiprocess_mode="livemax",
    )
)
RUNS = Gauge(
    "surehand_trainer_runs_items",
    "Training runs, by state",
    ["project", "state"],
    multiprocess_mode="livemax",
)
FEED_READ = Gauge(
    "surehand_trainer_feed_read_timestamp_seconds",
    "When this process last read the outcomes feed to its end, as Unix time",
    ["project"],
    multiprocess_mode="livemax",
)
