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


def _kind(name: str, prefix: Callable[[str], str], row: str) -> LogKind:
    metric = f"surehand_router_{name}"
    lag = "Age of the oldest row that is not yet in the store"
    shipped = "Compressed bytes of rows put in the store"
    return LogKind(
        name,
        prefix,
        lag_seconds=Gauge(f"{metric}_lag_seconds", lag, multiprocess_mode="livemax"),
        shipped_bytes=Counter(f"{metric}_shipped_bytes_total", shipped),
        lost=Counter(f"{metric}_lost_total", f"{row} rows that could not be written locally"),
    )


DECISIONS = _kind("decision_log", decisions_prefix, "Decision")
SHADOW = _kind("shadow_log", shadow_prefix, "Shadow")
