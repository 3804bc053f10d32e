"""Error of audited answers, day by day, against what the promise allows."""

import math
from typing import Any

import altair as alt

from services.console.charts.figure import (
    PERCENT_AXIS,
    Figure,
    day_axis,
    rule,
    specification,
    values,
)
from services.console.web.words import between, count, percent

_COLUMNS = ("day", "audits reviewed", "wrong", "error", "95 % interval")
_Z95 = 1.959964


def audited_error_chart(days: list[dict[str, Any]], target: float) -> Figure | None:
    """Return the chart of the days on which audits were reviewed; None without one."""
    points = _points(days)
    if not points:
        return None
    allowed = 1 - target
    reviewed = sum(point["reviewed"] for point in points)
    errors = sum(point["errors"] for point in points)
    low, high = wilson(errors, reviewed)
    summary = (
        f"Found wrong: {count(errors, 'answer')} of {reviewed} reviewed audits, "
        f"{percent(errors / reviewed, 1)}, most likely between {percent(low, 1)} and "
        f"{percent(high, 1)}. The promise allows {percent(allowed)}. Days are UTC; lines are 95 % "
        "intervals (Wilson)."
    )
    spec = specification(_layers(points, allowed))
    rows = [_row(point) for point in points]
    return Figure("audited-error", "Audited error over time", summary, spec, _COLUMNS, rows)


def _points(days: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_day: dict[str, list[int]] = {}
    for row in days:
        counted = by_day.setdefault(row["day"], [0, 0])
        counted[0] += row["reviewed"]
        counted[1] += row["errors"]
    points = []
    for day, (reviewed, errors) in sorted(by_day.items()):
        if reviewed:
            lower, upper = wilson(errors, reviewed)
            counts = {"day": day, "reviewed": reviewed, "errors": errors}
            points.append(counts | {"error": errors / reviewed, "lower": lower, "upper": upper})
    return points


def _layers(points: list[dict[str, Any]], allowed: float) -> Any:
    most = min(1.0, max(*(point["upper"] for point in points), allowed) * 1.1)
    scale = alt.Scale(domain=[0, most], nice=False)
    x = alt.X("day:O", title=None, axis=day_axis(len(points)))
    base = alt.Chart(values(points)).encode(x=x)
    low = alt.Y("lower:Q", scale=scale, title="error of audited answers", axis=PERCENT_AXIS)
    whiskers = base.mark_rule(style="interval").encode(y=low, y2="upper:Q")
    dots = base.mark_point().encode(y=alt.Y("error:Q", scale=scale))
    return whiskers + dots + rule("y", allowed, "target", f"allowed: {percent(allowed)}")


def _row(point: dict[str, Any]) -> tuple[str, ...]:
    return (
        point["day"],
        str(point["reviewed"]),
        str(point["errors"]),
        percent(point["error"], 1),
        between(point["lower"], point["upper"], 1),
    )


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share; [0, 1] when nothing was counted.

    References
    ----------
    Wilson, JASA 22 (1927).
    """
    if of == 0:
        return 0.0, 1.0
    share, z2 = hits / of, _Z95**2
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z95 / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, centre - half), min(1.0, centre + half)
