"""A chart as a page shows it: drawn from its specification, told in a sentence, and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import altair as alt
import orjson

_HEIGHT = 220
# What axes, labels and a legend take beside the plot itself.
_FURNITURE = 60
_UPRIGHT_DAYS = 6

PERCENT_AXIS = alt.Axis(format=".0%", tickCount=5)


@dataclass(frozen=True)
class Figure:
    """A chart; `spec` is a Vega-Lite specification without colours, which are the theme's."""

    name: str
    title: str
    summary: str
    spec: dict[str, Any]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def json(self) -> str:
        """The specification as text."""
        # Vega's name of a drawing takes the place of the page's.
        described = self.spec | {"description": f"{self.title}. {self.summary}"}
        return orjson.dumps(described).decode()


def specification(chart: Any, *, height: int = _HEIGHT) -> dict[str, Any]:
    """Return the specification of an Altair chart that is as wide as its place.

    `height` is about what the plot takes, in pixels; the `height` of the specification is what the
    drawing takes with its axes and legend: the page keeps so much room before it is drawn.
    """
    sized = chart.properties(width="container", height=height + _FURNITURE)
    spec: dict[str, Any] = sized.to_dict(validate=False)
    spec.pop("config", None)
    return spec | {"autosize": {"type": "fit", "contains": "padding"}}


def height_of(rows: int, *, pixels: int = 30, least: int = 90) -> int:
    """Return the height of a chart with so many rows, of so many pixels each."""
    return max(least, pixels * rows)


def values(rows: Sequence[dict[str, Any]]) -> alt.InlineData:
    """Return rows as the data of a chart."""
    return alt.InlineData(values=list(rows))


def ends(interval: Sequence[float]) -> dict[str, float]:
    """Return the ends of an interval as what a point has of it."""
    lower, upper = interval
    return {"lower": lower, "upper": upper}


def minute(at: str) -> str:
    """Return an RFC 3339 time to the minute."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M}"


def day_axis(days: int) -> alt.Axis:
    """Return the axis of so many days, slanted where they would not stand beside one another."""
    return alt.Axis(labelAngle=0 if days <= _UPRIGHT_DAYS else -45, labelOverlap=True)


def rule(axis: str, value: float, style: str, words: str, *, lowest: float = 0.0) -> Any:
    """Return a line across a chart at `value` of the axis `x` or `y`, with words beside it.

    The words of a line on the x axis, which ends at 1, stand on the side with more room, where
    `lowest` is the axis's start.
    """
    base = alt.Chart(values([{"value": value, "words": words}]))
    place = {axis: alt.X("value:Q") if axis == "x" else alt.Y("value:Q")}
    line = base.mark_rule(style=style).encode(**place)
    if axis == "y":
        text = base.mark_text(style=f"{style}-words", align="left", baseline="bottom", dx=4, dy=-3)
        return line + text.encode(x=alt.value(0), text="words:N", **place)
    is_left = value < (lowest + 1) / 2
    text = base.mark_text(
        style=f"{style}-words",
        align="left" if is_left else "right",
        baseline="top",
        dx=4 if is_left else -4,
    )
    return line + text.encode(y=alt.value(0), text="words:N", **place)
