"""A collector: takes spans over OTLP/HTTP, decodes them, and keeps them for the test."""

import contextlib
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


def new_trace() -> str:
    """Return a `traceparent` header of a trace that begins with a test's request."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@dataclass(frozen=True)
class SeenSpan:
    """A span as it came over the wire; ids in hex, `links` as trace ids."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    seconds: float
    is_error: bool
    links: frozenset[str]
    attributes: dict[str, Any]

    def concerns(self, trace_id: str) -> bool:
        """Say whether it is part of a trace, or points at it."""
        return trace_id == self.trace_id or trace_id in self.links


@dataclass
class Collector:
    """Spans in the order of their arrival. While `answers` is clear, nobody gets an answer."""

    endpoint: str
    spans: list[SeenSpan] = field(default_factory=list)
    answers: threading.Event = field(default_factory=threading.Event)

    def named(self, name: str, trace_id: str | None = None) -> list[SeenSpan]:
        """Return the spans of a name, those that concern a trace if one is given."""
        wanted = [span for span in self.spans if span.name == name]
        return [span for span in wanted if trace_id is None or span.concerns(trace_id)]

    def take(self, body: bytes) -> None:
        """Keep the spans of one export."""
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {one.key: _plain(one.value) for one in of_resource.resource.attributes}
            service = f"{resource['service.namespace']}/{resource['service.name']}"
            for of_scope in of_resource.scope_spans:
                self.spans += [_seen(service, span) for span in of_scope.spans]


def _seen(service: str, span: Span) -> SeenSpan:
    return SeenSpan(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        kind=span.kind,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        is_error=span.status.code == 2,
        links=frozenset(link.trace_id.hex() for link in span.links),
        attributes={one.key: _plain(one.value) for one in span.attributes},
    )


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector on a loopback port, in threads of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(body)
            collector.answers.wait()
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            with contextlib.suppress(OSError):
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        collector.answers.set()
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield collector
        finally:
            collector.answers.set()
            server.shutdown()
            thread.join()
