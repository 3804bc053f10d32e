"""How often each two reviewers give the same label."""

from collections import Counter
from typing import Any

from services.console.charts.figure import Figure
from services.console.charts.heatmap import heatmap
from services.console.web.words import count, percent

_COLUMNS = ("reviewer", "reviewer", "tasks of both", "same label")
_MOST = 12
_MOST_ROWS = 200


def agreement_chart(pairs: list[dict[str, Any]]) -> Figure | None:
    """Return the matrix of the reviewers who share most tasks; None where no two share one."""
    shared: Counter[str] = Counter()
    for pair in pairs:
        for name in (pair["first"], pair["second"]):
            shared[name] += pair["tasks"]
    known = [pair for pair in pairs if pair["agreement"] is not None]
    if not known:
        return None
    order = sorted(sorted(shared, key=lambda name: -shared[name])[:_MOST])
    by_names = {frozenset((one["first"], one["second"])): one for one in known}
    cells = [
        {
            "row": one,
            "column": other,
            "share": found["agreement"],
            "words": percent(found["agreement"]),
        }
        for one in order
        for other in order
        if (found := by_names.get(frozenset((one, other)))) is not None
    ]
    least = min(known, key=lambda pair: pair["agreement"])
    summary = (
        f"{count(len(known), 'pair')} of reviewers answered the same tasks. Least agree "
        f"{least['first']} and {least['second']}: {percent(least['agreement'])} of "
        f"{count(least['tasks'], 'task')}."
    )
    if len(order) < len(shared):
        summary += f" Drawn are the {_MOST} who share most tasks."
    if len(known) > _MOST_ROWS:
        summary += f" The table has the {_MOST_ROWS} that agree least."
    rows = [
        (pair["first"], pair["second"], str(pair["tasks"]), percent(pair["agreement"]))
        for pair in sorted(known, key=lambda pair: pair["agreement"])[:_MOST_ROWS]
    ]
    spec = heatmap(cells, order, across="", down="")
    return Figure("agreement", "Agreement of each two", summary, spec, _COLUMNS, rows)
