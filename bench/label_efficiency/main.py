"""Labels that the trainer's choice needs, beside labels at random.

    python -m bench label-efficiency --seeds 5

For each set: the mean accuracy at several numbers of labels, how many labels the choice needs for
what 500 at random bring, and by how much it is ever worse from 100 labels on. It writes a picture
and a section of docs/explanation/active-learning.md.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import altair as alt
import numpy as np
import vl_convert
from threadpoolctl import threadpool_limits

from bench.label_efficiency.curves import Curve, budgets, curve, labels_needed
from bench.label_efficiency.sets import SETS
from bench.page import put_between
from bench.serving.processes import ROOT

PAGE = ROOT / "docs" / "explanation" / "active-learning.md"
PICTURE = PAGE.with_name("label-efficiency.svg")
_MOST, _BATCH, _SHOWN = 500, 25, (50, 100, 200, 300, 500)


def main(arguments: list[str]) -> None:
    """Measure the sets, and write page and picture."""
    parser = argparse.ArgumentParser(prog="python -m bench label-efficiency")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "texts")
    parser.add_argument("--write", action="store_true", help="write page and picture")
    asked = parser.parse_args(arguments)
    found: dict[str, dict[str, Curve]] = {}
    for name in asked.sets:
        data = SETS[name](asked.cache)
        with threadpool_limits(limits=1):
            found[name] = {
                strategy: np.array(
                    [
                        curve(data, strategy, seed, most=_MOST, batch=_BATCH)
                        for seed in range(asked.seeds)
                    ]
                )
                for strategy in ("random", "auto")
            }
        print(row(name, found[name]), flush=True)
    if asked.write:
        text = "\n".join([*_HEAD, *(row(name, curves) for name, curves in found.items())])
        PAGE.write_text(put_between(PAGE.read_text(), "label-efficiency", text))
        PICTURE.write_text(vl_convert.vegalite_to_svg(picture(found)))


_HEAD = (
    "| set | " + " | ".join(f"at {size}" for size in _SHOWN) + " | labels for random's accuracy at "
    "500 | worst difference from 100 on |",
    "|---|" + "---|" * (len(_SHOWN) + 2),
)


def row(name: str, curves: dict[str, Curve]) -> str:
    """Return a line of the table."""
    at = budgets(_MOST, _BATCH)
    random, auto = curves["random"].mean(axis=0), curves["auto"].mean(axis=0)
    cells = [f"{auto[at.index(size)]:.3f} ({random[at.index(size)]:.3f})" for size in _SHOWN]
    needed = labels_needed(auto, float(random[-1]), at)
    said = "more than 500" if needed is None else f"{needed} ({needed / _MOST:.0%})"
    from_100 = [place for place, size in enumerate(at) if size >= 100]
    worst = float((auto - random)[from_100].min())
    return f"| {name} | " + " | ".join(cells) + f" | {said} | {100 * worst:+.1f} points |"


def picture(found: dict[str, dict[str, Curve]]) -> dict[str, object]:
    """Return a chart of mean accuracies with the range of the seeds, one panel a set."""
    rows = [
        {
            "set": name,
            "strategy": "at random" if strategy == "random" else "chosen (auto)",
            "labels": size,
            "accuracy": float(several[:, place].mean()),
            "lowest": float(several[:, place].min()),
            "highest": float(several[:, place].max()),
        }
        for name, curves in found.items()
        for strategy, several in curves.items()
        for place, size in enumerate(budgets(_MOST, _BATCH))
    ]
    return _panels(rows).to_dict()


def _panels(rows: Sequence[Mapping[str, object]]) -> alt.Chart:
    base = alt.Chart().encode(
        x=alt.X("labels:Q", title="labels"),
        color=alt.Color(
            "strategy:N",
            title=None,
            scale=alt.Scale(range=["#8b949e", "#1f6feb"]),
            legend=alt.Legend(orient="top"),
        ),
    )
    y = alt.Y(
        "accuracy:Q", title="accuracy", scale=alt.Scale(zero=False), axis=alt.Axis(format="%")
    )
    band = base.mark_area(opacity=0.15).encode(alt.Y("lowest:Q"), alt.Y2("highest:Q"))
    layered = (band + base.mark_line().encode(y)).properties(width=300, height=200)
    chart: alt.Chart = layered.facet(
        alt.Facet("set:N", title=None), columns=2, data=alt.InlineData(values=list(rows))
    ).resolve_scale(y="independent")
    return chart
