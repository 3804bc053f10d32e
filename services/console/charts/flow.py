"""What comes to the queue and what is answered over time, and how long tasks have waited."""

from typing import Any

import altair as alt

from services.console.charts.figure import Figure, minute, specification, values
from services.console.web.words import count, duration, number

_LINES = alt.Legend(symbolType="stroke", symbolStrokeWidth=2.5, symbolSize=300)
_COUNTS = alt.Axis(tickCount=5, format="~s", tickMinStep=1)
_ARRIVED, _ANSWERS = "new tasks", "answers"


def flow_chart(series: dict[str, Any], span: str) -> Figure | None:
    """Return arrivals against answers; None where there was neither.

    `span` says in words which time the series is about: ``the last 24 hours``.
    """
    buckets = series["buckets"]
    arrived = sum(bucket["arrived"] for bucket in buckets)
    answers = sum(bucket["answers"] for bucket in buckets)
    if not arrived and not answers:
        return None
    points = [
        {"since": bucket["since"], "kind": kind, "number": bucket[key]}
        for bucket in buckets
        for kind, key in ((_ARRIVED, "arrived"), (_ANSWERS, "answers"))
    ]
    summary = f"In {span} {count(arrived, 'task')} came and {count(answers, 'answer')} were given."
    if not series["complete"]:
        summary += " There was more than is counted: drawn is the newest."
    rows = [
        (minute(bucket["since"]), number(bucket["arrived"]), number(bucket["answers"]))
        for bucket in buckets
        if bucket["arrived"] or bucket["answers"]
    ]
    columns = (f"from (UTC), for {duration(series['step_seconds'])}", _ARRIVED, _ANSWERS)
    spec = specification(_lines(points))
    return Figure("flow", "Arrivals against answers", summary, spec, columns, rows)


def _lines(points: list[dict[str, Any]]) -> Any:
    kinds = alt.Scale(domain=[_ARRIVED, _ANSWERS])
    return (
        alt.Chart(values(points))
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("since:T", title=None, axis=alt.Axis(tickCount=6, labelOverlap=True)),
            y=alt.Y("number:Q", title="number", axis=_COUNTS),
            color=alt.Color("kind:N", scale=kinds, legend=_LINES),
            strokeDash=alt.StrokeDash("kind:N", scale=kinds, legend=_LINES),
        )
    )


def ages_chart(ages: dict[str, Any]) -> Figure | None:
    """Return how long the waiting tasks have waited; None where none waits."""
    buckets = ages["buckets"]
    total = sum(bucket["waiting"] for bucket in buckets)
    if not total:
        return None
    rows = [(_age(bucket), bucket["waiting"]) for bucket in buckets]
    last = max(place for place, bucket in enumerate(buckets) if bucket["waiting"])
    oldest, old = rows[last]
    summary = (
        f"{count(total, 'task')} waiting or in work. The oldest {number(old)} have waited {oldest}."
    )
    if not ages["complete"]:
        summary += " There are more than are counted: drawn are the oldest."
    points = [{"age": age, "waiting": waiting} for age, waiting in rows]
    chart = (
        alt.Chart(values(points))
        .mark_bar()
        .encode(
            y=alt.Y("age:N", sort=None, title=None, axis=alt.Axis(labelLimit=140)),
            x=alt.X("waiting:Q", title="tasks", axis=_COUNTS),
        )
    )
    table = [(age, number(waiting)) for age, waiting in rows]
    return Figure(
        "ages", "How long they have waited", summary, specification(chart), ("age", "tasks"), table
    )


def _age(bucket: dict[str, Any]) -> str:
    since, until = bucket["from_seconds"], bucket["to_seconds"]
    if not since:
        return f"under {_span(until)}"
    return f"over {_span(since)}" if until is None else f"{_span(since)} to {_span(until)}"


def _span(seconds: float) -> str:
    for size, one, many in ((86_400, "day", "days"), (3_600, "hour", "hours")):
        if seconds >= size:
            return f"{seconds / size:.0f} {one if seconds < 2 * size else many}"
    return f"{seconds / 60:.0f} min"
