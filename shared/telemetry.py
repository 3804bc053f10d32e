"""Logs, request ids and metrics. Every metric is declared once, here or in a service's own list."""

import logging
import re
import sys
import time
from collections.abc import Iterable
from functools import cache

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.contracts.base import new_id

REQUESTS = Counter(
    "surehand_http_requests_total", "HTTP requests by service and status", ["service", "status"]
)
REQUEST_SECONDS = Histogram(
    "surehand_http_request_seconds", "Seconds from a request's arrival to its answer", ["service"]
)
CUT_CONNECTIONS = Counter(
    "surehand_http_cut_connections_total",
    "Connections closed on a client that was too slow or sent too much",
    ["cause"],
)
DOORBELLS = Counter("surehand_doorbells_total", "Doorbells rung, by result", ["result"])

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,100}")


def configure_logging(service: str, level: str = "INFO") -> None:
    """Write one JSON object a line to standard error, for this process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)


class RequestContext:
    """ASGI middleware: binds the request id to the log, echoes it, counts and times requests."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service
        self.seconds = REQUEST_SECONDS.labels(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request in its context."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope["headers"])
        started = time.perf_counter()

        async def observe(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id)]
                _requests(self.service, message["status"]).inc()
                self.seconds.observe(time.perf_counter() - started)
            await send(message)

        # Each request has a task, hence a context, of its own: nothing is to be unbound.
        structlog.contextvars.bind_contextvars(request_id=request_id.decode())
        await self.app(scope, receive, observe)


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value
    return new_id().encode()


@cache
def _requests(service: str, status: int) -> Counter:
    return REQUESTS.labels(service, str(status))
