"""The context of a request: its id in the log and in the answer, its count and its time."""

import re
import time
from collections.abc import Awaitable, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import telemetry
from shared.contracts.base import new_id
from shared.http.waiting import enter_request
from shared.metrics import QuickCounter, QuickHistogram

REQUESTS = QuickCounter(
    "surehand_http_requests_total",
    "HTTP requests answered",
    ["service", "method", "route", "status"],
)
REQUEST_SECONDS = QuickHistogram(
    "surehand_http_request_seconds",
    "Seconds from a request's arrival to the start of its answer",
    ["service", "method", "route"],
    buckets=(
        *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
        *(0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    ),
)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,100}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestContext:
    """ASGI middleware: binds the request id to the log, echoes it, counts and times requests."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service
        # Looked up by what callers cannot make up: a route's path, not the path that was asked for.
        self._series: dict[tuple[str, str, int], tuple[QuickCounter, QuickHistogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request in its context."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        name = _request_id(scope["headers"])
        started = time.perf_counter()

        def observe(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-request-id", name)]
                requests, seconds = self._of(scope, message["status"])
                requests.inc()
                seconds.observe(time.perf_counter() - started)
            return send(message)

        # Each request has a task, hence a context, of its own: nothing is to be unbound.
        telemetry.enter_request(name)
        enter_request(scope)
        await self.app(scope, receive, observe)

    def _of(self, scope: Scope, status: int) -> tuple[QuickCounter, QuickHistogram]:
        route = telemetry.route_of(scope)
        key: tuple[str, str, int] = (scope["method"], route, status)
        return self._series.get(key) or self._bind(*key)

    def _bind(self, method: str, route: str, status: int) -> tuple[QuickCounter, QuickHistogram]:
        known = method if method in _METHODS else telemetry.OTHER
        series = (
            REQUESTS.labels(self.service, known, route, str(status)),
            REQUEST_SECONDS.labels(self.service, known, route),
        )
        if known == method:
            self._series[method, route, status] = series
        return series


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value
    return new_id().encode()
