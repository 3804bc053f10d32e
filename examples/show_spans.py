"""Show spans in the terminal as they come: a collector for a first look, in place of a real one.

Usage: python examples/show_spans.py [PORT]    (4318 is where OTLP over HTTP is usually taken)
"""

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Handler(BaseHTTPRequestHandler):
    """Takes exports of spans."""

    def do_POST(self) -> None:
        """Print the spans of one export."""
        body = self.rfile.read(int(self.headers["content-length"]))
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {one.key: one.value.string_value for one in of_resource.resource.attributes}
            for of_scope in of_resource.scope_spans:
                for span in of_scope.spans:
                    sys.stdout.write(" ".join(words(resource["service.name"], span)) + "\n")
        sys.stdout.flush()
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def words(service: str, span: Span) -> Iterator[str]:
    """Yield the trace, the service, the name, the duration, what it is about, and its links."""
    milliseconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
    yield f"{span.trace_id.hex()} {service:<12} {span.name:<9} {milliseconds:8.2f} ms"
    for one in span.attributes:
        value = one.value.string_value or one.value.int_value
        yield f"{one.key.removeprefix('surehand.')}={value}"
    yield from (f"-> {link.trace_id.hex()}" for link in span.links)


def main() -> None:
    """Serve until Ctrl-C."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 4318
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
