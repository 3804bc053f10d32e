"""How confident the newest decisions are, with the threshold."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from services.console.charts.figure import Figure, rule, specification, values
from services.console.web.words import count, percent

_BINS = 20


def confidences_chart(confidences: Sequence[float], threshold: float | None) -> Figure | None:
    """Return the histogram of confidences in [0, 1], in twenty bins; None without one."""
    if not confidences:
        return None
    bins = [0] * _BINS
    for confidence in confidences:
        bins[min(_BINS - 1, max(0, int(confidence * _BINS)))] += 1
    # At least the upper half, and from the lowest confidence on.
    first = min(_BINS // 2, next(index for index, number in enumerate(bins) if number))
    rows = [
        {"from": index / _BINS, "to": (index + 1) / _BINS, "decisions": bins[index]}
        for index in range(first, _BINS)
    ]
    summary = f"The newest {count(len(confidences), 'decision')} with a confidence."
    if threshold is not None:
        above = sum(confidence >= threshold for confidence in confidences)
        share = percent(above / len(confidences))
        summary += f" {share} reach the threshold of {threshold:.3f}."
    table = [(f"{row['from']:.2f} to {row['to']:.2f}", str(row["decisions"])) for row in rows]
    spec = specification(_layers(rows, first / _BINS, threshold))
    columns = ("confidence", "decisions")
    return Figure("confidences", "Confidence of decisions", summary, spec, columns, table)


def _layers(rows: list[dict[str, Any]], lowest: float, threshold: float | None) -> Any:
    x = alt.X(
        "from:Q",
        bin="binned",
        scale=alt.Scale(domain=[lowest, 1], nice=False),
        title="confidence",
        axis=alt.Axis(format=".2f", tickCount=6),
    )
    y = alt.Y("decisions:Q", title="decisions", axis=alt.Axis(tickCount=5, format="~s"))
    chart = alt.Chart(values(rows)).mark_bar(binSpacing=1).encode(x=x, x2="to:Q", y=y)
    if threshold is None:
        return chart
    return chart + rule("x", threshold, "threshold", f"threshold {threshold:.3f}", lowest=lowest)
