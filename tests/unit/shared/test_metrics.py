"""The quick histogram counts as the library's own; any Accept header gets metrics."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from shared.metrics import QuickHistogram, exposition

BOUNDS = (0.001, 0.5, 1, 2.5)


@given(st.lists(st.floats(0, 10) | st.sampled_from(BOUNDS), max_size=30))
def test_quick_histogram_counts_as_the_librarys(amounts: list[float]) -> None:
    said = []
    for kind in (Histogram, QuickHistogram):
        registry = CollectorRegistry()
        series = kind("x_seconds", "x", ["project"], buckets=BOUNDS, registry=registry)
        for amount in amounts:
            series.labels("shop").observe(amount)
        said.append(generate_latest(registry))
    assert said[0] == said[1]


OPENMETRICS = "application/openmetrics-text"


@pytest.mark.parametrize(
    ("accepted", "media_type"),
    [
        ("", "text/plain"),
        ("*/*;q=0.1", "text/plain"),
        (OPENMETRICS, OPENMETRICS),
        (f"text/html;q=x, {OPENMETRICS} ; version=1.0.0;q=0.5", OPENMETRICS),
        (f"{OPENMETRICS};version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.3", OPENMETRICS),
        (f"{OPENMETRICS};version=x", "text/plain"),
        (f"{OPENMETRICS};version=0.0.1", "text/plain"),
        (f"{OPENMETRICS};version={'9' * 5000}", "text/plain"),
        ("text/plain;version=x;q=\xff", "text/plain"),
    ],
)
def test_metrics_come_in_the_format_that_is_asked_for(accepted: str, media_type: str) -> None:
    text, given = exposition(accepted)
    assert given.partition(";")[0] == media_type
    assert text.rstrip().endswith(b"# EOF") == (media_type == OPENMETRICS)


@pytest.mark.thorough
@settings(max_examples=25)
@given(
    st.lists(
        st.sampled_from([OPENMETRICS, "text/plain", "version=", "1.0", ";", ",", "="])
        | st.text(max_size=3)
    )
)
def test_no_accept_header_makes_metrics_fail(parts: list[str]) -> None:
    assert exposition("".join(parts))[0]
