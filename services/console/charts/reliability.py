"""Whether confidences say how often the model is right."""

from typing import Any

import altair as alt

from services.console.charts.figure import PERCENT_AXIS, Figure, specification, values
from services.console.web.words import between, count, percent

_COLUMNS = ("confidence", "labels", "mean confidence", "right", "95 % interval")


def reliability_chart(reliability: dict[str, Any]) -> Figure | None:
    """Return the reliability diagram of a version; None without bins."""
    bins = reliability["bins"]
    if not bins:
        return None
    summary = (
        f"{reliability['version']} on {count(reliability['labels'], 'label')}: right in "
        f"{percent(reliability['accuracy'], 1)}, mean confidence "
        f"{percent(reliability['mean_confidence'], 1)}, calibration error "
        f"{percent(reliability['calibration_error'], 1)}. On the dotted line a confidence is what "
        "it says."
    )
    if note := reliability["note"]:
        summary += f" {note[:1].upper()}{note[1:]}"
    spec = specification(_layers(bins))
    rows = [_row(one) for one in bins]
    return Figure("reliability", "Reliability", summary, spec, _COLUMNS, rows)


def _layers(bins: list[dict[str, Any]]) -> Any:
    shown = ("confidence", "accuracy", "lower", "upper")
    points = [{key: one[key] for key in shown} for one in bins]
    low = max(0.0, min(min(one["lower"], one["confidence"]) for one in points) - 0.03)
    scale = alt.Scale(domain=[low, 1], nice=False, zero=False)
    confidence = alt.X("confidence:Q", scale=scale, title="confidence", axis=PERCENT_AXIS)
    base = alt.Chart(values(points)).encode(x=confidence)
    lower = alt.Y("lower:Q", scale=scale, title="share that was right", axis=PERCENT_AXIS)
    whiskers = base.mark_rule(style="interval").encode(y=lower, y2="upper:Q")
    dots = base.mark_point().encode(y=alt.Y("accuracy:Q", scale=scale))
    ideal = alt.Chart(values([{"at": low}, {"at": 1}])).mark_line(style="ideal")
    line = ideal.encode(x=alt.X("at:Q", scale=scale), y=alt.Y("at:Q", scale=scale))
    return line + whiskers + dots


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{one['lowest']:.3f} to {one['highest']:.3f}",
        str(one["labels"]),
        percent(one["confidence"], 1),
        percent(one["accuracy"], 1),
        between(one["lower"], one["upper"], 1),
    )
