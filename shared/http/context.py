"""The context of a request: its id in the log and in the answer, its count and its time."""

import re
import time
from collections.abc import Awaitable, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import telemetry, tracing
from shared.contracts.base import new_id
from shared.http.waiting import CLIENT, Client, enter_request
from shared.metrics import QuickCounter, QuickHistogram

REQUESTS = QuickCounter(
    "surehand_http_requests_total",
    "HTTP requests answered",
    ["service", "method", "route", "status"],
)
REQUEST_SECONDS = QuickHistogram(
    "surehand_http_request_seconds",
    "Seconds from a request's arrival until its answer begins or, where it is short, is written",
    ["service", "method", "route"],
    buckets=(
        *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
        *(0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    ),
)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,100}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestSeries:
    """The count and the time of a service's requests."""

    def __init__(self, service: str) -> None:
        self._service = service
        # Looked up by what callers cannot make up: a route's path, not the path that was asked for.
        self._series: dict[tuple[str, str, int], tuple[QuickCounter, QuickHistogram]] = {}

    def observe(self, method: str, route: str, status: int, started: float) -> None:
        """Count an answer, written now or beginning now, to a request that came at `started`."""
        requests, seconds = self._series.get((method, route, status)) or self._bind(
            method, route, status
        )
        requests.inc()
        seconds.observe(time.perf_counter() - started)

    def _bind(self, method: str, route: str, status: int) -> tuple[QuickCounter, QuickHistogram]:
        known = method if method in _METHODS else telemetry.OTHER
        series = (
            REQUESTS.labels(self._service, known, route, str(status)),
            REQUEST_SECONDS.labels(self._service, known, route),
        )
        if known == method:
            self._series[method, route, status] = series
        return series


def begin_request(headers: Iterable[tuple[bytes, bytes]], client: Client | None) -> bytes:
    """Let this task's log lines, spans and waits belong to a request; return the request's id."""
    name = _request_id(headers)
    telemetry.enter_request(name)
    enter_request(client)
    tracing.continue_trace(headers)
    return name


class RequestContext:
    """ASGI middleware: binds the request id to the log, echoes it, counts and times requests."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self._series = RequestSeries(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request in its context."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        # Each request has a task of its own, and binds all anew: nothing is to be unbound.
        name = begin_request(scope["headers"], scope.get(CLIENT))

        def observe(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-request-id", name)]
                route, status = telemetry.route_of(scope), message["status"]
                self._series.observe(scope["method"], route, status, started)
            return send(message)

        await self.app(scope, receive, observe)


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value
    return new_id().encode()
