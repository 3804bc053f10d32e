"""Accuracy of what would be answered, by threshold, with its interval against the target."""

from typing import Any

import altair as alt

from services.console.charts.figure import PERCENT_AXIS, Figure, rule, specification, values
from services.console.web.words import between, percent

_COLUMNS = ("confidence from", "share answered", "accuracy", "95 % interval")
_X_AXIS = alt.Axis(format=".2f", tickCount=6)


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
    best = max(points, key=lambda point: point["lower"])
    summary = (
        "The interval is 95 % for each threshold by itself. Its lower end is highest, "
        f"{percent(best['lower'], 1)}, when items from confidence {best['threshold']:.3f} on are "
        f"answered: {percent(best['share'])} of the labelled items."
    )
    spec = specification(_layers(points, target, threshold))
    rows = [_row(point) for point in points]
    return Figure("accuracy", "Accuracy by threshold", summary, spec, _COLUMNS, rows)


def _layers(points: list[dict[str, float]], target: float, threshold: float | None) -> Any:
    # Of a handful of items the interval reaches down to nothing: most of it is cut off.
    lowest = min(sorted(point["lower"] for point in points)[len(points) // 10], target)
    scale = alt.Scale(domain=[max(0.0, lowest - 0.05), 1.0], nice=False, zero=False)
    x = alt.X(
        "threshold:Q",
        title="answered from this confidence on",
        scale=alt.Scale(zero=False, nice=False),
        axis=_X_AXIS,
    )
    base = alt.Chart(values(points)).encode(x=x)
    low = alt.Y("lower:Q", scale=scale, title="accuracy of the answers", axis=PERCENT_AXIS)
    band = base.mark_area(interpolate="step-after", clip=True).encode(y=low, y2="upper:Q")
    accuracy = alt.Y("accuracy:Q", scale=scale, axis=PERCENT_AXIS)
    line = base.mark_line(interpolate="step-after", clip=True).encode(y=accuracy)
    chart = band + line + rule("y", target, "target", f"target {percent(target)}")
    least = min(point["threshold"] for point in points)
    if threshold is not None:
        chart += rule("x", threshold, "threshold", f"in force: {threshold:.3f}", lowest=least)
    return chart


def _row(point: dict[str, float]) -> tuple[str, ...]:
    return (
        f"{point['threshold']:.3f}",
        percent(point["share"]),
        percent(point["accuracy"], 1),
        between(point["lower"], point["upper"], 1),
    )
