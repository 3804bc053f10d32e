"""Metrics of documents and model versions."""

from prometheus_client import Counter, Gauge

_PROJECT = ["project"]

VERSION_INFO = Gauge(
    "surehand_router_version_info",
    "Model versions in memory, with the role each plays; always 1",
    ["project", "version", "role"],
    multiprocess_mode="livemax",
)
RELOADS = Counter("surehand_router_reloads_total", "Versions loaded", _PROJECT)
RELOAD_FAILURES = Counter(
    "surehand_router_reload_failures_total",
    "Attempts to load a version that were refused",
    _PROJECT,
)
REFUSED_DOCUMENTS = Counter(
    "surehand_router_refused_documents_total",
    "Documents of the store that were not accepted: older, malformed, or of unexpected content",
    ["project", "document", "cause"],
)
REFUSED_CERTIFICATES = Counter(
    "surehand_router_refused_certificates_total",
    "Certificates that do not hold in themselves, by what is wrong",
    ["project", "cause"],
)
STORE_FAILURES = Counter("surehand_router_store_failures_total", "Store reads that failed")
