"""Spans by OpenTelemetry, exported over OTLP/HTTP as its standard variables say.

Imported only when an endpoint is set: see `shared.tracing`.
"""

import contextlib
import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping

from opentelemetry import trace
from opentelemetry.context import Context, attach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.problems import Problem
from shared.tracing import MAX_LINKS, Kind, Value

_HEADERS = (b"traceparent", b"tracestate")
_KINDS: Mapping[Kind, trace.SpanKind] = {
    "internal": trace.SpanKind.INTERNAL,
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "consumer": trace.SpanKind.CONSUMER,
}
_PREFIX = "surehand."
_FAULT = 500
# An endpoint that is away must not hold a service that is to stop.
_STOP_SECONDS = 3.0

_NOTHING = contextlib.nullcontext()
_w3c = TraceContextTextMapPropagator()


class OtlpTracer:
    """Makes spans; a thread of its own exports them in batches, and drops what it cannot."""

    def __init__(self, service: str) -> None:
        # Not the process's global provider: libraries would trace into it unasked.
        self._provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("surehand")

    def span(
        self,
        name: str,
        kind: Kind,
        *,
        parent: str | None,
        links: Iterable[str | None],
        since: float | None,
        attributes: Mapping[str, Value],
    ) -> contextlib.AbstractContextManager[None]:
        """Make a span, and let it be the current one while the block lasts."""
        if parent is None and _is_left_out(trace.get_current_span()):
            return _NOTHING
        return _as_problems_go(
            self._tracer.start_as_current_span(
                name,
                context=None if parent is None else _context_of(parent),
                kind=_KINDS[kind],
                attributes=_named(attributes),
                links=[trace.Link(context) for context in _contexts(links)],
                start_time=None if since is None else int(since * 1e9),
                record_exception=False,
                set_status_on_exception=False,
            )
        )

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Set attributes of the current span."""
        span = trace.get_current_span()
        if span.is_recording():
            span.set_attributes(_named(attributes))

    def link(self, traces: Iterable[str | None]) -> None:
        """Add links to the current span."""
        span = trace.get_current_span()
        for context in _contexts(traces):
            span.add_link(context)

    def traceparent(self) -> str | None:
        """Return the current span's; None outside of any."""
        carrier: dict[str, str] = {}
        _w3c.inject(carrier)
        return carrier.get("traceparent")

    def continue_trace(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Let the spans of this task's context continue the trace that `headers` name, if any."""
        carrier = {n.decode(): value.decode("latin-1") for n, value in headers if n in _HEADERS}
        # Also where there is none: the context may be that of the request before.
        attach(_w3c.extract(carrier, context=Context()))

    def stop(self) -> None:
        """Export what is left, for a few seconds at most."""
        # Its own time-out is longer than a service has to stop; a daemon may be left behind.
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(_STOP_SECONDS)


@contextlib.contextmanager
def _as_problems_go(started: contextlib.AbstractContextManager[trace.Span]) -> Iterator[None]:
    """Say what became of a span's block; a refusal is no fault of ours."""
    with started as span:
        try:
            yield
        except Problem as problem:
            span.set_attribute(_PREFIX + "problem", problem.kind)
            if problem.status >= _FAULT:
                span.set_status(trace.StatusCode.ERROR, problem.detail)
            raise
        except Exception as error:
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def _is_left_out(span: trace.Span) -> bool:
    """Say whether the sampler left out a span of this process: then its children are as well."""
    context = span.get_span_context()
    return context.is_valid and not (context.is_remote or span.is_recording())


def _resource(service: str) -> Resource:
    """Return who speaks; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word."""
    ours = {SERVICE_NAME: service, "service.namespace": "surehand"}
    given = Resource.create()
    if str(given.attributes[SERVICE_NAME]).startswith("unknown_service"):
        return given.merge(Resource(ours))
    return given


def _named(attributes: Mapping[str, Value]) -> dict[str, str | int | float]:
    return {_PREFIX + name: value for name, value in attributes.items() if value is not None}


def _context_of(traceparent: str) -> Context:
    return _w3c.extract({"traceparent": traceparent})


def _contexts(traces: Iterable[str | None]) -> Iterator[trace.SpanContext]:
    """Yield the contexts of distinct traces, the first of each, and not too many."""
    distinct = {one.split("-")[1]: one for one in traces if one is not None}
    for one in itertools.islice(distinct.values(), MAX_LINKS):
        context = trace.get_current_span(_context_of(one)).get_span_context()
        if context.is_valid:
            yield context
