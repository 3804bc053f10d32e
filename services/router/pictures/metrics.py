"""Metrics of pictures."""

from prometheus_client import Gauge

_PROJECT = ["project"]

PICTURE_BYTES = Gauge(
    "surehand_router_picture_bytes",
    "Bytes of pictures that are being decoded, or are and wait for their model",
    multiprocess_mode="livesum",
)
