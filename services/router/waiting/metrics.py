"""Metrics of calls that wait for people."""

from prometheus_client import Gauge

_PROJECT = ["project"]

WAITERS = Gauge(
    "surehand_router_waiters",
    "Items whose resolution calls are waiting for",
    multiprocess_mode="livesum",
)
