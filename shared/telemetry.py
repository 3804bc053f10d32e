"""Request ids, the routes of requests, and the metrics that all services have."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from prometheus_client import Counter, Gauge, disable_created_metrics

# The `_created` series would double the lines of every scrape.
disable_created_metrics()

CUT_CONNECTIONS = Counter(
    "surehand_http_cut_connections_total",
    "Connections closed on a client that was too slow, sent too much, or did not speak HTTP",
    ["cause"],
)
STORE_REQUESTS = Counter(
    "surehand_store_requests_total", "Requests made to the object store", ["operation"]
)
DOORBELLS = Counter("surehand_doorbells_total", "Doorbells rung, by result", ["result"])
LOG_LINES_DROPPED = Counter(
    "surehand_log_lines_dropped_total", "Log lines that could not be written, and are nowhere"
)
LOOP_FAILURES = Counter(
    "surehand_loop_failures_total", "Turns of background loops that failed", ["loop"]
)
FAILING_LOOPS = Gauge(
    "surehand_failing_loops",
    "Background loops whose last turn failed",
    ["loop"],
    multiprocess_mode="livesum",
)
TOKEN_EXPIRES = Gauge(
    "surehand_service_token_expires_timestamp_seconds",
    "When the token expires with which this service calls others, as Unix time",
    ["service"],
    multiprocess_mode="livemax",
)

# Where an application that answers a request before any route is asked names the route's path.
ROUTE = "surehand.route"
# The route of a request whose path no route has.
OTHER = "other"

# Of our own, not structlog's: binding there costs every request what few lines need.
_REQUEST: ContextVar[bytes | None] = ContextVar("request_id", default=None)


def enter_request(name: bytes) -> None:
    """Name the request that this task answers from now on."""
    _REQUEST.set(name)


def request_id() -> str | None:
    """Return the id of the request that is being answered; None outside of any."""
    named = _REQUEST.get()
    return None if named is None else named.decode()


def route_of(scope: Mapping[str, Any]) -> str:
    """Return the path of a request's route, its gaps unfilled; `OTHER` if no route has been found.

    What callers make up, item ids and tokens of leases among it, stays out of metrics and logs.
    """
    named: str | None = scope.get(ROUTE) or getattr(scope.get("route"), "path_format", None)
    return named or OTHER


def request_fields(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return what a log line says of the request of `scope`: method, and path as `route_of`."""
    return {"method": scope["method"], "path": route_of(scope)}
