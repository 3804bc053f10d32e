"""Figures of `bench recipes`: kept as lines of JSON, and drawn as dots on one scale a data set."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

import numpy as np

_LEFT, _WIDTH, _RIGHT, _LINE, _TOP, _GAP = 180, 470, 30, 24, 92, 14
_COLOURS = {
    "words alone": "#8b949e",
    "tabular": "#bf8700",
    "text-linear": "#1f6feb",
    "head": "#8250df",
    "image-small": "#1a7f37",
    "text-embedding": "#cf222e",
}
_TITLE = "Right on items that were left out, by recipe (mean of the draws)"
_TICKS = range(0, 101, 20)


@dataclass(frozen=True)
class Figures:
    """One recipe on one set and size: a value a draw, shares in [0, 1].

    `chosen` is the recipe that was fitted: another one a draw for `auto`. `certified` has by target
    the share that was answered and how much of it was wrong.
    """

    set: str
    labels: int
    recipe: str
    right: list[float]
    chosen: list[str]
    certified: list[dict[str, tuple[float, float]]]


def keep(path: Path, rows: Sequence[Figures]) -> None:
    """Add lines to the file."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(asdict(row))}\n" for row in rows)


def read(path: Path) -> list[Figures]:
    """Return the lines of the file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Figures(**json.loads(line)) for line in lines]


def drawn(path: Path) -> str:
    """Draw the mean share right of each recipe as a dot, and a ring around the choice of `auto`."""
    rows = read(path)
    at = list(dict.fromkeys((row.set, row.labels) for row in rows))
    parts, top = [*_legend({row.recipe for row in rows})], _TOP
    for place, (name, labels) in enumerate(at):
        if place and at[place - 1][0] != name:
            top += _GAP
        own = [row for row in rows if (row.set, row.labels) == (name, labels)]
        parts += _line(f"{name.replace('-', ' ')}, {labels:,} labels", own, top)
        top += _LINE
    height, width = top + 30, _LEFT + _WIDTH + _RIGHT
    for tick in _TICKS:
        parts.append(
            f'<text x="{_x(tick / 100):.1f}" y="{top + 16}" text-anchor="middle">{tick} %</text>'
        )
    view = f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="12"'
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view}>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="24" font-size="15" font-weight="600">{_TITLE}</text>',
    ]
    return "\n".join([*head, *parts, "</svg>", ""])


def _legend(recipes: set[str]) -> list[str]:
    parts, x, y = [], 20.0, 48
    for name in [one for one in _COLOURS if one in recipes]:
        parts.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{_COLOURS[name]}"/>')
        parts.append(f'<text x="{x + 9}" y="{y}" dominant-baseline="central">{name}</text>')
        x += 28 + 7 * len(name)
    parts.append(f'<circle cx="20" cy="{y + 20}" r="8" fill="none" stroke="#24292f"/>')
    words = "what auto chose"
    return [*parts, f'<text x="33" y="{y + 20}" dominant-baseline="central">{words}</text>']


def _line(label: str, rows: Sequence[Figures], top: int) -> list[str]:
    middle = top + _LINE / 2
    parts = [
        f'<text x="{_LEFT - 10}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>',
        f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{middle}" y2="{middle}" stroke="#d0d7de"/>',
    ]
    for row in rows:
        x = _x(float(np.mean(row.right)))
        if row.recipe == "auto":
            parts.append(f'<circle cx="{x:.1f}" cy="{middle}" r="8" fill="none" stroke="#24292f"/>')
        else:
            colour = _COLOURS.get(row.recipe, "#24292f")
            parts.append(f'<circle cx="{x:.1f}" cy="{middle}" r="5" fill="{colour}"/>')
    return parts


def _x(share: float) -> float:
    return _LEFT + _WIDTH * share
