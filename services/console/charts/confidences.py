"""How confident decisions are, with the threshold."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from services.console.charts.figure import Figure, rule, specification, values
from services.console.web.words import count, number


def confidences_chart(
    bins: Sequence[dict[str, Any]], threshold: float | None, note: str = ""
) -> Figure | None:
    """Return the histogram of confidences from rising bins; None where all are empty.

    A bin has `lowest`, `highest` and `decisions`. `note` says what was counted.
    """
    total = sum(one["decisions"] for one in bins)
    if not total:
        return None
    # At least the upper half, and from the lowest confidence on.
    rows = [
        {"from": one["lowest"], "to": one["highest"], "decisions": one["decisions"]}
        for place, one in enumerate(bins)
        if 2 * place >= len(bins) or any(other["decisions"] for other in bins[: place + 1])
    ]
    summary = f"{count(total, 'decision')} with a confidence. {note}".strip()
    if threshold is not None:
        above = sum(one["decisions"] for one in bins if one["lowest"] >= threshold)
        summary += f" {number(above)} lie in the bins above that of the threshold, {threshold:.3f}."
    table = [(f"{row['from']:.2f} to {row['to']:.2f}", number(row["decisions"])) for row in rows]
    spec = specification(_layers(rows, rows[0]["from"], threshold))
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
