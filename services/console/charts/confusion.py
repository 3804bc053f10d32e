"""Which labels a version confuses."""

from collections import Counter
from typing import Any

from services.console.charts.figure import Figure
from services.console.charts.heatmap import heatmap
from services.console.web.words import count, percent

_COLUMNS = ("people's label", "version's label", "items", "of the label")
_MOST_LABELS = 12
_MOST_ROWS = 200


def confusion_chart(confusion: dict[str, Any]) -> Figure | None:
    """Return the confusion matrix of a version; None where nothing is recorded.

    Of more than twelve labels, those that are confused most are shown.
    """
    cells = confusion["cells"]
    if not cells:
        return None
    totals: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for cell in cells:
        totals[cell["label"]] += cell["items"]
        if cell["label"] != cell["predicted"]:
            wrong[cell["label"]] += cell["items"]
            wrong[cell["predicted"]] += cell["items"]
    used = [label for label in confusion["labels"] if totals[label] or wrong[label]]
    chosen = set(sorted(used, key=lambda label: -wrong[label])[:_MOST_LABELS])
    order = [label for label in used if label in chosen]
    name = f"confusion-{confusion['version']}"
    title = f"Confusion matrix of {confusion['version']}"
    spec = heatmap(
        _cells(cells, order, totals), order, across="what the version says", down="what people say"
    )
    rows = [
        (
            cell["label"],
            cell["predicted"],
            str(cell["items"]),
            percent(cell["items"] / totals[cell["label"]], 1),
        )
        for cell in _in_table(cells)
    ]
    summary = _summary(confusion, totals, order, used)
    if len(cells) > _MOST_ROWS:
        summary += f" The table has the {_MOST_ROWS} largest confusions."
    return Figure(name, title, summary, spec, _COLUMNS, rows)


def _in_table(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cells by label; of very many, those with the most confused items."""
    if len(cells) > _MOST_ROWS:
        wrong = (cell for cell in cells if cell["label"] != cell["predicted"])
        cells = sorted(wrong, key=lambda cell: -cell["items"])[:_MOST_ROWS]
    return sorted(cells, key=lambda cell: (cell["label"], -cell["items"]))


def _cells(
    cells: list[dict[str, Any]], order: list[str], totals: Counter[str]
) -> list[dict[str, Any]]:
    known = {(cell["label"], cell["predicted"]): cell["items"] for cell in cells}
    return [
        {
            "row": label,
            "column": predicted,
            "share": known.get((label, predicted), 0) / max(1, totals[label]),
            "words": str(known.get((label, predicted), 0)),
        }
        for label in order
        for predicted in order
    ]


def _summary(
    confusion: dict[str, Any], totals: Counter[str], order: list[str], used: list[str]
) -> str:
    errors = [cell for cell in confusion["cells"] if cell["label"] != cell["predicted"]]
    number = sum(cell["items"] for cell in errors)
    summary = (
        f"Of {count(confusion['items'], 'label')} that it had not learned from, "
        f"{confusion['version']} gives another label to {number}."
    )
    if errors:
        worst = max(errors, key=lambda cell: cell["items"])
        share = percent(worst["items"] / totals[worst["label"]])
        summary += (
            f" Most often {worst['label']} becomes {worst['predicted']}: "
            f"{count(worst['items'], 'time')}, {share} of that label."
        )
    if len(order) < len(used):
        summary += f" Drawn are the {len(order)} of {len(used)} labels that it confuses most."
    return summary
