"""Traces that follow an item, off unless an OTLP endpoint is set.

While they are off nothing here does anything, and the OpenTelemetry SDK is not even imported;
`shared.tracing.otlp` does it when they are on. A trace that outlives its calls (a task waits for
days) is kept as a W3C `traceparent`.
"""

import contextlib
import functools
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from pydantic_settings import BaseSettings, SettingsConfigDict

if TYPE_CHECKING:
    from shared.tracing.otlp import OtlpTracer

Value = str | int | float | None
Kind = Literal["internal", "server", "client", "consumer"]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# A span may point at so many traces; the rest of a large batch is left out.
MAX_LINKS = 100


class TracingSettings(BaseSettings):
    """OpenTelemetry's own variables that say whether there is anything to do."""

    model_config = SettingsConfigDict(env_prefix="OTEL_", frozen=True, extra="ignore")

    exporter_otlp_endpoint: str = ""
    exporter_otlp_traces_endpoint: str = ""
    traces_exporter: str = "otlp"
    sdk_disabled: str = ""

    @property
    def wanted(self) -> bool:
        """Say whether spans are to be exported."""
        endpoint = self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint
        off = self.traces_exporter.strip() == "none" or self.sdk_disabled.strip().lower() == "true"
        return bool(endpoint) and not off


class _Tracers:
    """The tracer of this process; None while traces are off."""

    now: "OtlpTracer | None" = None


_OFF = contextlib.nullcontext()


def is_on() -> bool:
    """Say whether spans are made."""
    return _Tracers.now is not None


def span(
    name: str,
    *,
    kind: Kind = "internal",
    parent: str | None = None,
    links: Iterable[str | None] = (),
    **attributes: Value,
) -> AbstractContextManager[None]:
    """Make a span of what the block does.

    Parameters
    ----------
    parent : traceparent; None means the current span, or the one that the request came with.
    links : traceparents that it has to do with; None among them are passed over.
    attributes : without their prefix ``surehand.``; those that are None are left out.
    """
    tracer = _Tracers.now
    if tracer is None:
        return _OFF
    return tracer.span(name, kind, parent=parent, links=links, since=None, attributes=attributes)


def record(
    name: str, kind: Kind, *, since: float, links: Iterable[str | None], **attributes: Value
) -> None:
    """Make a span of what has just been done, and was begun at `since`, in Unix seconds."""
    tracer = _Tracers.now
    if tracer is not None:
        with tracer.span(name, kind, parent=None, links=links, since=since, attributes=attributes):
            pass


def traced(
    name: str, kind: Kind = "internal"
) -> Callable[
    [Callable[Arguments, Coroutine[Any, Any, Result]]],
    Callable[Arguments, Coroutine[Any, Any, Result]],
]:
    """Make a span of each call of a coroutine function."""

    def decorate(
        work: Callable[Arguments, Coroutine[Any, Any, Result]],
    ) -> Callable[Arguments, Coroutine[Any, Any, Result]]:
        async def in_span(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            with span(name, kind=kind):
                return await work(*args, **kwargs)

        @functools.wraps(work)
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Coroutine[Any, Any, Result]:
            return in_span(*args, **kwargs) if is_on() else work(*args, **kwargs)

        return call

    return decorate


def note(**attributes: Value) -> None:
    """Say more about the current span."""
    if _Tracers.now is not None:
        _Tracers.now.note(attributes)


def link(traces: Iterable[str | None]) -> None:
    """Let the current span point at what it turned out to have to do with."""
    if _Tracers.now is not None:
        _Tracers.now.link(traces)


def traceparent() -> str | None:
    """Return the current span's traceparent; None while traces are off."""
    return None if _Tracers.now is None else _Tracers.now.traceparent()


def continue_trace(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Let the spans of this task continue the trace that a request came with."""
    if _Tracers.now is not None:
        _Tracers.now.continue_trace(headers)


@contextlib.contextmanager
def exporting(service: str) -> Iterator[None]:
    """Make and export spans of `service` while the block lasts, if an endpoint is set."""
    if not TracingSettings().wanted:
        yield
        return
    from shared.tracing.otlp import OtlpTracer  # noqa: PLC0415 - only who traces pays for it

    tracer = _Tracers.now = OtlpTracer(service)
    try:
        yield
    finally:
        _Tracers.now = None
        tracer.stop()
