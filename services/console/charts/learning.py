"""Accuracy against the number of labels, version by version, with its interval."""

from typing import Any

import altair as alt

from services.console.charts.figure import PERCENT_AXIS, Figure, ends, rule, specification, values
from services.console.web.words import between, count, number, percent

_COLUMNS = (
    "version",
    "labels",
    "measured on",
    "accuracy",
    "95 % interval",
    "could answer",
    "kappa",
)


def learning_chart(points: list[dict[str, Any]], target: float) -> Figure | None:
    """Return the learning curve; None where no version is measured."""
    measured = [point for point in points if point["accuracy"] is not None]
    if not measured:
        return None
    last = measured[-1]
    kind = "a uniform sample" if last["is_uniform"] else "all of its labels"
    summary = (
        f"{last['version']}, of {count(last['labels'], 'label')}, gives "
        f"{percent(last['accuracy'], 1)} of {count(last['measured'], 'item')} people's label: "
        f"{kind}, predicted out of fold. It could answer about {percent(last['coverage'])} of "
        "such items within the promise; that is an estimate and no proof."
    )
    rows = [
        {"labels": one["labels"], "accuracy": one["accuracy"], **ends(one["interval"])}
        for one in measured
    ]
    chart = specification(_layers(rows, target))
    table = [_row(point) for point in measured]
    return Figure("learning-curve", "Accuracy by labels", summary, chart, _COLUMNS, table)


def _layers(rows: list[dict[str, Any]], target: float) -> Any:
    lowest = min(*(row["lower"] for row in rows), target)
    scale = alt.Scale(domain=[max(0.0, lowest - 0.05), 1.0], nice=False, zero=False)
    x = alt.X(
        "labels:Q",
        title="labels that trained the version",
        scale=alt.Scale(zero=True),
        axis=alt.Axis(tickCount=6, format="~s"),
    )
    base = alt.Chart(values(rows)).encode(x=x)
    low = alt.Y("lower:Q", scale=scale, title="accuracy out of fold", axis=PERCENT_AXIS)
    whiskers = base.mark_rule(style="interval").encode(y=low, y2="upper:Q")
    y = alt.Y("accuracy:Q", scale=scale, axis=PERCENT_AXIS)
    chart = base.mark_line().encode(y=y) + whiskers + base.mark_point().encode(y=y)
    return chart + rule("y", target, "target", f"target {percent(target)}")


def _row(point: dict[str, Any]) -> tuple[str, ...]:
    low, high = point["interval"]
    return (
        point["version"],
        number(point["labels"]),
        number(point["measured"]) + ("" if point["is_uniform"] else " (not uniform)"),
        percent(point["accuracy"], 1),
        between(low, high, 1),
        percent(point["coverage"]),
        "" if point["kappa"] is None else f"{point['kappa']:.3f}",
    )
