"""A line of shares, small enough for a row of a table; a page draws it as SVG (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.console.web.words import percent

WIDTH, HEIGHT = 84, 22
_MARGIN = 3
DAYS = 14


@dataclass(frozen=True)
class Sparkline:
    """`lines` and `dots` are coordinates; `words` say the same to who does not see them."""

    lines: Sequence[str]
    dots: Sequence[tuple[str, str]]
    words: str


def sparkline(days: Sequence[dict[str, Any]], today: date) -> Sparkline | None:
    """Return the share answered a day over two weeks; None without a decision.

    Days without decisions leave a gap; a day between two of them is a dot. The last day is one too.
    """
    shares = {
        date.fromisoformat(day["day"]): day["answered"] / day["decisions"]
        for day in days
        if day["decisions"]
    }
    first = today - timedelta(days=DAYS - 1)
    known = {place: shares.get(first + timedelta(days=place)) for place in range(DAYS)}
    runs: list[list[tuple[int, float]]] = [[]]
    for place, share in known.items():
        if share is None:
            runs.append([])
        else:
            runs[-1].append((place, share))
    runs = [run for run in runs if run]
    if not runs:
        return None
    ends = [run[0] for run in runs if len(run) == 1]
    newest = runs[-1][-1]
    return Sparkline(
        lines=[" ".join(map(_point, run)) for run in runs if len(run) > 1],
        dots=[_place(end) for end in dict.fromkeys([*ends, newest])],
        words=_words([share for run in runs for _, share in run]),
    )


def _words(shares: list[float]) -> str:
    if len(shares) == 1:
        return f"{percent(shares[0])} answered on the one day with decisions of two weeks"
    return (
        f"Share answered a day over two weeks: {percent(shares[0])} at first, "
        f"{percent(shares[-1])} at last, between {percent(min(shares))} and {percent(max(shares))}"
    )


def _place(point: tuple[int, float]) -> tuple[str, str]:
    place, share = point
    x = _MARGIN + place * (WIDTH - 2 * _MARGIN) / (DAYS - 1)
    y = HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN)
    return f"{x:.1f}", f"{y:.1f}"


def _point(point: tuple[int, float]) -> str:
    return ",".join(_place(point))
