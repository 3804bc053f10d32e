"""Whether confidences say how often the model is right."""

from typing import Any

import altair as alt

from services.console.charts.figure import Figure, specification, values
from services.console.web.words import count, percent


def reliability_chart(reliability: dict[str, Any]) -> Figure | None:
    """Return the reliability diagram of a version; None without bins."""
    bins = reliability["bins"]
    if not bins:
        return None
    points = [
        {key: one[key] for key in ("confidence", "accuracy", "lower", "upper", "labels")}
        for one in bins
    ]
    lowest = min(min(one["lower"], one["confidence"]) for one in points)
    low = max(0.0, lowest - 0.03)
    scale = alt.Scale(domain=[low, 1], nice=False, zero=False)
    axis = alt.Axis(format=".0%", tickCount=5)
    ideal = alt.Chart(values([{"at": low}, {"at": 1}])).mark_line(style="ideal")
    base = alt.Chart(values(points)).encode(
        x=alt.X("confidence:Q", scale=scale, title="confidence", axis=axis)
    )
    whisker = base.mark_rule(style="interval").encode(
        y=alt.Y("lower:Q", scale=scale, title="share that was right", axis=axis), y2="upper:Q"
    )
    dots = base.mark_point().encode(y=alt.Y("accuracy:Q", scale=scale))
    line = ideal.encode(x=alt.X("at:Q", scale=scale), y=alt.Y("at:Q", scale=scale))
    error = reliability["calibration_error"]
    summary = (
        f"{reliability['version']} on {count(reliability['labels'], 'label')}: right in "
        f"{percent(reliability['accuracy'], 1)}, mean confidence "
        f"{percent(reliability['mean_confidence'], 1)}, calibration error {percent(error, 1)}. On "
        "the dotted line a confidence is what it says."
    )
    if reliability["note"]:
        summary += f" {reliability['note'][:1].upper()}{reliability['note'][1:]}"
    rows = [
        (
            f"{one['lowest']:.3f} to {one['highest']:.3f}",
            str(one["labels"]),
            percent(one["confidence"], 1),
            percent(one["accuracy"], 1),
            f"{percent(one['lower'], 1)} to {percent(one['upper'], 1)}",
        )
        for one in bins
    ]
    return Figure(
        "reliability",
        "Reliability",
        summary,
        specification(line + whisker + dots),
        ("confidence", "labels", "mean confidence", "right", "95 % interval"),
        rows,
    )
