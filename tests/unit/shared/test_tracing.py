"""Traces while they are off: nothing happens, and nothing is in the way."""

import inspect

import pytest

from shared import tracing
from shared.tracing import TracingSettings


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_SERVICE_NAME": "shop"}, False),
    ],
)
def test_an_endpoint_turns_traces_on_and_the_standard_switches_off(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], wanted: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert TracingSettings().wanted == wanted


async def test_while_off_everything_may_be_said_and_nothing_is_done() -> None:
    assert not tracing.is_on()
    with tracing.exporting("tests"), tracing.span("a", parent="?", links=["?"], items=1):
        tracing.note(items=2)
        tracing.link(["?"])
        assert tracing.traceparent() is None
    tracing.record("b", "server", since=0.0, links=["?"])


async def test_while_off_a_traced_function_is_as_if_it_were_not() -> None:
    async def double(number: int) -> int:
        """Return twice the number."""
        return 2 * number

    wrapped = tracing.traced("double")(double)
    call = wrapped(2)
    assert inspect.iscoroutine(call)
    assert call.cr_code is double.__code__
    assert await call == 4
    assert wrapped.__doc__ == double.__doc__
