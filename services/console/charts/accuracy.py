"""Accuracy of what would be answered, by threshold, with its interval against the target."""

from typing import Any

import altair as alt

from services.console.charts.figure import Figure, rule, specification, values
from services.console.web.words import percent


def accuracy_chart(
    reliability: dict[str, Any], target: float, threshold: float | None
) -> Figure | None:
    """Return the chart of a version's reliability; None where it has no points."""
    points = [
        {
            "threshold": point["threshold"],
            "accuracy": 1 - point["risk"],
            "lower": 1 - point["upper"],
            "upper": 1 - point["lower"],
            "share": point["coverage"],
        }
        for point in reliability["risk_coverage"]
        if point["accepted"]
    ]
    if not points:
        return None
    lowest = min(*(point["lower"] for point in points), target)
    scale = alt.Scale(domain=[max(0.0, lowest - 0.02), 1.0], nice=False, zero=False)
    base = alt.Chart(values(points)).encode(
        x=alt.X(
            "threshold:Q",
            title="answered from this confidence on",
            scale=alt.Scale(zero=False, nice=False),
            axis=alt.Axis(format=".2f", tickCount=6),
        )
    )
    axis = alt.Axis(format=".0%", tickCount=5)
    band = base.mark_area(interpolate="step-after").encode(
        y=alt.Y("lower:Q", scale=scale, title="accuracy of the answers", axis=axis), y2="upper:Q"
    )
    line = base.mark_line(interpolate="step-after").encode(
        y=alt.Y("accuracy:Q", scale=scale, axis=axis)
    )
    chart = band + line + rule("y", target, "target", f"target {percent(target)}")
    if threshold is not None:
        chart += rule("x", threshold, "threshold", f"in force: {threshold:.3f}")
    best = max(points, key=lambda point: point["lower"])
    summary = (
        f"The interval is 95 % for each threshold by itself. Its lower end is highest, "
        f"{percent(best['lower'], 1)}, when items from confidence {best['threshold']:.3f} on are "
        f"answered: {percent(best['share'])} of the labelled items."
    )
    rows = [
        (
            f"{point['threshold']:.3f}",
            percent(point["share"]),
            percent(point["accuracy"], 1),
            f"{percent(point['lower'], 1)} to {percent(point['upper'], 1)}",
        )
        for point in points
    ]
    return Figure(
        "accuracy",
        "Accuracy by threshold",
        summary,
        specification(chart),
        ("confidence from", "share answered", "accuracy", "95 % interval"),
        rows,
    )
