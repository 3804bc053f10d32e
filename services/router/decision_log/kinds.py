"""The logs of rows that the router keeps: where each goes in the store, and how it is watched."""

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

from shared.store import decisions_prefix, shadow_prefix


@dataclass(frozen=True)
class LogKind:
    """One log. `prefix` gives a project's folder in the store; `name` is for our own log."""

    name: str
    prefix: Callable[[str], str]
    lag_seconds: Gauge
    shipped_bytes: Counter
    lost: Counter


DECISIONS = LogKind(
    "decision_log",
    decisions_prefix,
    lag_seconds=Gauge(
        "surehand_router_decision_log_lag_seconds",
        "Age of the oldest row that is not yet in the store",
        multiprocess_mode="livemax",
    ),
    shipped_bytes=Counter(
        "surehand_router_decision_log_shipped_bytes_total",
        "Compressed bytes of rows put in the store",
    ),
    lost=Counter(
        "surehand_router_decision_log_lost_total", "Decision rows that could not be written locally"
    ),
)
SHADOW = LogKind(
    "shadow_log",
    shadow_prefix,
    lag_seconds=Gauge(
        "surehand_router_shadow_log_lag_seconds",
        "Age of the oldest row that is not yet in the store",
        multiprocess_mode="livemax",
    ),
    shipped_bytes=Counter(
        "surehand_router_shadow_log_shipped_bytes_total",
        "Compressed bytes of rows put in the store",
    ),
    lost=Counter(
        "surehand_router_shadow_log_lost_total", "Shadow rows that could not be written locally"
    ),
)
