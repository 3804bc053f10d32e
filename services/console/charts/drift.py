"""How the items of a champion changed over time."""

from typing import Any

import altair as alt

from services.console.charts.figure import Figure, minute, rule, specification, values
from services.console.web.words import number, significant

_COLUMNS = ("until (UTC)", "mean", "statistic")


def stream_chart(drift: dict[str, Any], stream: dict[str, Any]) -> Figure | None:
    """Return the mean of one stream over time, with the change where there is one; None too soon.

    Parameters
    ----------
    drift : what ``GET …/drift`` answers
    stream : one of its `streams`
    """
    points = [
        {"at": point["at"], "mean": point["means"][stream["name"]], "statistic": point["statistic"]}
        for point in drift["history"]
        if point["means"].get(stream["name"]) is not None
    ]
    if not points:
        return None
    before, recent = stream["mean_before"], stream["mean_recent"]
    summary = f"The mean {stream['words']} was {significant(before)}"
    if drift["began_at"]:
        summary += (
            f", and is {significant(recent)} since the change, which began about "
            f"{minute(drift['began_at'])} UTC"
        )
    else:
        summary += f"; of the newest {drift['recent_items']} items it is {significant(recent)}"
    rows = [
        (minute(point["at"]), significant(point["mean"]), number(point["statistic"], 0))
        for point in reversed(points)
    ]
    spec = specification(_layers(points, drift, stream))
    name = "drift-" + stream["name"].replace(":", "-").replace("_", "-")
    return Figure(
        name, f"{stream['words'].capitalize()} over time", f"{summary}.", spec, _COLUMNS, rows
    )


def _layers(points: list[dict[str, Any]], drift: dict[str, Any], stream: dict[str, Any]) -> Any:
    x = alt.X("at:T", title=None, axis=alt.Axis(tickCount=5, labelOverlap=True))
    scale = alt.Scale(zero=False, nice=True)
    y = alt.Y("mean:Q", title=f"mean {stream['words']}", scale=scale)
    layers = alt.Chart(values(points)).mark_line(point=True).encode(x=x, y=y)
    if stream["mean_before"] is not None:
        layers += rule("y", stream["mean_before"], "target", "before")
    if drift["began_at"]:
        began = alt.Chart(values([{"at": drift["began_at"], "words": "change"}]))
        layers += began.mark_rule(style="interval").encode(x="at:T")
        layers += began.mark_text(align="left", baseline="top", dx=4).encode(
            x="at:T", y=alt.value(0), text="words:N"
        )
    return layers
