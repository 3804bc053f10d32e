"""What chosen labels teach more than as many random ones, version by version."""

from typing import Any

import altair as alt

from services.console.charts.figure import Figure, ends, rule, specification, values
from services.console.web.words import count, number, percent

_COLUMNS = (
    "version",
    "labels each",
    "random labels that both answered",
    "right with chosen",
    "right with random",
    "difference",
    "95 % interval",
    "shown",
)
_SHOWN = {"pays": "chosen teach more", "does_not_pay": "random teach more", "open": "neither"}
_HEIGHT = 170


def selection_chart(curve: dict[str, Any]) -> Figure | None:
    """Return the random control arm of a learning curve; None where it was never compared."""
    found = [point["control"] for point in curve["points"] if point.get("control")]
    # A trainer of the release before says it of the newest version alone.
    found = [one for one in found or [curve.get("control") or {}] if one.get("interval")]
    if not found:
        return None
    last = found[-1]
    low, high = last["interval"]
    summary = (
        f"With {last['version']}, {count(last['labels'], 'chosen label')} gave "
        f"{percent(last['chosen_accuracy'], 1)} of {count(last['measured'], 'random item')} "
        f"people's label, and as many random ones {percent(last['random_accuracy'], 1)}: a "
        f"difference of {_points(last['difference'])} points, 95 % interval {_points(low)} to "
        f"{_points(high)}. Chosen labels teach more where the whole interval is above zero."
    )
    rows = [
        {"version": one["version"], "difference": one["difference"], **ends(one["interval"])}
        for one in found
    ]
    spec = specification(_layers(rows), height=_HEIGHT)
    title = "Chosen against random labels"
    return Figure("control-arm", title, summary, spec, _COLUMNS, [_row(one) for one in found])


def _layers(rows: list[dict[str, Any]]) -> Any:
    axis = alt.Axis(format="+.0%", tickCount=5)
    x = alt.X("version:N", sort=None, title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    base = alt.Chart(values(rows)).encode(x=x)
    low = alt.Y("lower:Q", title="chosen less random", axis=axis)
    whiskers = base.mark_rule(style="interval").encode(y=low, y2="upper:Q")
    points = base.mark_point().encode(y=alt.Y("difference:Q", axis=axis))
    return rule("y", 0.0, "threshold", "no difference") + whiskers + points


def _points(difference: float) -> str:
    """Return a difference of shares in percentage points, with its sign."""
    return f"{100 * difference:+.1f}"


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    low, high = one["interval"]
    return (
        one["version"],
        number(one["labels"]),
        number(one["measured"]),
        percent(one["chosen_accuracy"], 1),
        percent(one["random_accuracy"], 1),
        f"{_points(one['difference'])} points",
        f"{_points(low)} to {_points(high)}",
        _SHOWN.get(one["verdict"], one["verdict"]),
    )
