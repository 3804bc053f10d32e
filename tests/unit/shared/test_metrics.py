"""The quick histogram counts as the library's own."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from shared.metrics import QuickHistogram

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
