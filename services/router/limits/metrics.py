"""Metrics of refused calls."""

from prometheus_client import Counter

_PROJECT = ["project"]

REFUSED = Counter(
    "surehand_router_refused_total",
    "Calls refused because there were too many, by cause",
    ["cause"],
)
