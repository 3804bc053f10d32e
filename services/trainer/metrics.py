"""The trainer's metrics: each declared once, here."""

from functools import partial

from prometheus_client import Gauge

from shared.metrics import confidential

_gauge = partial(Gauge, multiprocess_mode="livemax")

PROMISE = _gauge(
    "surehand_trainer_promise_info",
    "The state of each version's promise, and the version's role; always 1",
    ["project", "version", "role", "state"],
)
EXPIRES = _gauge(
    "surehand_trainer_certificate_expires_timestamp_seconds",
    "When a version's certificate expires, as Unix time",
    ["project", "version"],
)
WATCHED_UNTIL = _gauge(
    "surehand_trainer_watched_until_timestamp_seconds",
    "Until when routers may answer without news of the trainer, as Unix time",
    ["project"],
)
AUDITS = confidential(
    _gauge(
        "surehand_trainer_audits_items",
        "Audited answers: waiting for people, found right, found wrong",
        ["project", "version", "result"],
    )
)
RUNS = _gauge(
    "surehand_trainer_runs_items",
    "Training runs, by state",
    ["project", "state"],
)
FEED_READ = _gauge(
    "surehand_trainer_feed_read_timestamp_seconds",
    "When this process last read the outcomes feed to its end, as Unix time",
    ["project"],
)
