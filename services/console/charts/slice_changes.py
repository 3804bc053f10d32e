"""Error rates of two versions on the same items, slice by slice."""

from typing import Any

import altair as alt

from services.console.charts.figure import PERCENT_AXIS, Figure, height_of, specification, values
from services.console.web.words import percent

_MOST = 12
_LONGEST = 60
_COLUMNS = ("items with", "judged", "before", "after")


def slice_changes_chart(found: dict[str, Any]) -> Figure | None:
    """Return the chart of what ``GET …/versions/{version}/slices`` answers; None without items."""
    changes = found["changes"]
    if not changes:
        return None
    points = [
        {
            "words": change["words"][:_LONGEST],
            "version": version,
            "rate": change[when],
            "lower": change[f"{when}_interval"][0],
            "upper": change[f"{when}_interval"][1],
        }
        for change in changes[:_MOST]
        for when, version in (("before", found["parent"]), ("after", found["version"]))
    ]
    rows = [
        (
            change["words"],
            str(change["items"]),
            percent(change["before"], 1),
            percent(change["after"], 1),
        )
        for change in changes
    ]
    height = height_of(min(len(changes), _MOST), pixels=34)
    spec = specification(_layers(points), height=height)
    summary = f"{found['sentence']} Lines are 95 % intervals."
    name = f"slice-changes-{found['version']}"
    return Figure(name, "Before and after, by kind of item", summary, spec, _COLUMNS, rows)


def _layers(points: list[dict[str, Any]]) -> Any:
    base = alt.Chart(values(points)).encode(
        y=alt.Y("words:N", sort=None, title=None),
        yOffset=alt.YOffset("version:N", sort=None),
        color=alt.Color("version:N", sort=None, title=None),
    )
    low = alt.X("lower:Q", title="wrong", axis=PERCENT_AXIS)
    whiskers = base.mark_rule().encode(x=low, x2=alt.X2("upper:Q"))
    return whiskers + base.mark_point().encode(x=alt.X("rate:Q", axis=PERCENT_AXIS))
