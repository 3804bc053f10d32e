"""A matrix of shares as shaded cells with words in them."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from services.console.charts.figure import height_of, specification, values

_STRONG = 0.55
_UPRIGHT_NAMES = 4


def heatmap(
    cells: Sequence[dict[str, Any]], order: Sequence[str], *, across: str, down: str
) -> dict[str, Any]:
    """Return the specification of cells with `row`, `column`, `share` in [0, 1] and `words`.

    `across` and `down` are the titles of the axes, `order` the names on both of them.
    """
    base = alt.Chart(values(cells)).encode(
        x=alt.X(
            "column:N",
            sort=list(order),
            title=across,
            axis=_axis(angle=0 if len(order) <= _UPRIGHT_NAMES else -40),
        ),
        y=alt.Y("row:N", sort=list(order), title=down, axis=_axis(angle=0)),
    )
    shade = alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 1]), legend=None)
    rects = base.mark_rect(style="shade").encode(opacity=shade)
    pale = base.transform_filter(f"datum.share <= {_STRONG}").mark_text(style="cell-words")
    strong = base.transform_filter(f"datum.share > {_STRONG}").mark_text(style="strong-cell-words")
    chart = rects + pale.encode(text="words:N") + strong.encode(text="words:N")
    return specification(chart, height=height_of(len(order), pixels=34, least=120))


def _axis(*, angle: int) -> alt.Axis:
    return alt.Axis(labelAngle=angle, labelLimit=110, ticks=False, domain=False, grid=False)
