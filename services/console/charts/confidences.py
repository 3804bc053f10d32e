"""How confident the newest decisions are, with the threshold."""

from collections.abc import Sequence

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
    first = next(index for index, number in enumerate(bins) if number)
    rows = [
        {"from": index / _BINS, "to": (index + 1) / _BINS, "decisions": number}
        for index, number in enumerate(bins)
        if index >= first
    ]
    scale = alt.Scale(domain=[first / _BINS, 1], nice=False)
    chart = (
        alt.Chart(values(rows))
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X(
                "from:Q",
                bin="binned",
                scale=scale,
                title="confidence",
                axis=alt.Axis(format=".2f", tickCount=6),
            ),
            x2="to:Q",
            y=alt.Y("decisions:Q", title="decisions", axis=alt.Axis(tickCount=5, format="~s")),
        )
    )
    summary = (
        f"{count(len(confidences), 'newest decision', 'newest decisions')} with a confidence. "
    )
    if threshold is not None:
        above = sum(confidence >= threshold for confidence in confidences)
        chart += rule("x", threshold, "threshold", f"threshold {threshold:.3f}")
        summary += f"{percent(above / len(confidences))} reach the threshold of {threshold:.3f}."
    table = [(f"{row['from']:.2f} to {row['to']:.2f}", str(row["decisions"])) for row in rows]
    return Figure(
        "confidences",
        "Confidence of decisions",
        summary.strip(),
        specification(chart),
        ("confidence", "decisions"),
        table,
    )
