"""The logs of rows that the router keeps: where each goes in the store, and how it is watched."""

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

from services.router.metrics import (
    LOG_LAG_SECONDS,
    LOG_LOST,
    LOG_SHIPPED_BYTES,
    SHADOW_LOG_LAG_SECONDS,
    SHADOW_LOG_LOST,
    SHADOW_LOG_SHIPPED_BYTES,
)
from shared.store import decisions_prefix, shadow_prefix


@dataclass(frozen=True)
class LogKind:
    """One log. `prefix` gives a project's folder in the store; `name` is for our own log."""

    name: str
    prefix: Callable[[str], str]
    lag_seconds: Gauge
    shipped_bytes: Counter
    lost: Counter


DECISIONS = LogKind("decision_log", decisions_prefix, LOG_LAG_SECONDS, LOG_SHIPPED_BYTES, LOG_LOST)
SHADOW = LogKind(
    "shadow_log",
    shadow_prefix,
    SHADOW_LOG_LAG_SECONDS,
    SHADOW_LOG_SHIPPED_BYTES,
    SHADOW_LOG_LOST,
)
