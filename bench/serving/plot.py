"""Horizontal bars as an SVG. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_LABEL, _BAR, _VALUE = 260, 420, 90
_LINE, _GAP, _TOP = 20, 8, 40
_OURS, _OTHERS = "#1f6feb", "#8b949e"


@dataclass(frozen=True)
class Bar:
    """One bar. `value` is at least 0; `ours` gives it the other colour."""

    label: str
    value: float
    ours: bool = False


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Draw `rows` from the top, the longest as long as there is room."""
    longest = max((row.value for row in rows), default=0.0) or 1.0
    width, height = _LABEL + _BAR + _VALUE, _TOP + len(rows) * (_LINE + _GAP)
    view = f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view}>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="24" font-size="15" font-weight="600">{escape(title)}</text>',
    ]
    for number, row in enumerate(rows):
        top, length = _TOP + number * (_LINE + _GAP), max(1.0, _BAR * row.value / longest)
        middle = f'y="{top + _LINE / 2}" dominant-baseline="central"'
        box = f'x="{_LABEL}" y="{top}" width="{length:.1f}" height="{_LINE}"'
        parts += [
            f'<text x="{_LABEL - 8}" {middle} text-anchor="end">{escape(row.label)}</text>',
            f'<rect {box} fill="{_OURS if row.ours else _OTHERS}"/>',
            f'<text x="{_LABEL + length + 6:.1f}" {middle}>{row.value:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
