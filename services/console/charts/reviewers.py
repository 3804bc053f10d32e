"""Reviewers side by side: right on gold, and which labels they give."""

import heapq
from collections import Counter
from typing import Any

import altair as alt

from services.console.charts.figure import PERCENT_AXIS, Figure, height_of, specification, values
from services.console.web.words import NONE, between, count, percent

_MOST_REVIEWERS = 15
_MOST_LABELS = 6
_MOST_ROWS = 200
OTHERS = "other labels"
ALL = "all together"


def gold_chart(reviewers: list[dict[str, Any]]) -> Figure | None:
    """Return how often each was right on gold, with its interval; None where none had any."""
    known = [one for one in reviewers if one["gold"]]
    if not known:
        return None
    known.sort(key=lambda one: one["gold"]["accuracy"])
    shown = known[:_MOST_REVIEWERS]
    points = [
        {"reviewer": one["reviewer"]}
        | {key: one["gold"][key] for key in ("accuracy", "low", "high")}
        for one in shown
    ]
    lowest = max(0.0, min(point["low"] for point in points) - 0.05)
    scale = alt.Scale(domain=[lowest, 1], nice=False, zero=False)
    y = alt.Y("reviewer:N", sort=None, title=None, axis=alt.Axis(labelLimit=120))
    base = alt.Chart(values(points)).encode(y=y)
    low = alt.X(
        "low:Q", scale=scale, title="right on gold, with its 95 % interval", axis=PERCENT_AXIS
    )
    lines = base.mark_rule(style="interval").encode(x=low, x2="high:Q")
    dots = base.mark_point().encode(x=alt.X("accuracy:Q", scale=scale))
    least = shown[0]
    summary = (
        f"{count(len(known), 'reviewer')} answered items whose label is known. Least often right: "
        f"{least['reviewer']}, {percent(least['gold']['accuracy'])} of "
        f"{count(least['gold']['tasks'], 'item')}, most likely between "
        f"{percent(least['gold']['low'])} and {percent(least['gold']['high'])}."
    )
    rows = [_gold_row(one) for one in known[:_MOST_ROWS]]
    if len(known) > _MOST_ROWS:
        summary += f" The table has the {_MOST_ROWS} who are right least often."
    spec = specification(lines + dots, height=height_of(len(shown)))
    columns = ("reviewer", "gold items", "right", "95 % interval")
    return Figure("gold", "Right on gold", summary, spec, columns, rows)


def _gold_row(one: dict[str, Any]) -> tuple[str, ...]:
    gold = one["gold"]
    interval = between(gold["low"], gold["high"])
    return one["reviewer"], str(gold["tasks"]), percent(gold["accuracy"]), interval


def label_mix_chart(reviewers: list[dict[str, Any]]) -> Figure | None:
    """Return which labels each gives, against all together; None where none has answered.

    Labels are as `GET …/reviewers` counts them, of each reviewer.
    """
    counts = {one["reviewer"]: one["labels"] for one in reviewers if sum(one["labels"].values())}
    if not counts:
        return None
    everyone: Counter[str] = Counter()
    for labels in counts.values():
        everyone.update(labels)
    order = [label for label, _ in everyone.most_common()]
    named = order if len(order) <= _MOST_LABELS + 1 else order[:_MOST_LABELS]
    busiest = sorted(counts, key=lambda name: -sum(counts[name].values()))[:_MOST_REVIEWERS]
    rows = [
        row
        for name, labels in [(ALL, everyone), *((name, counts[name]) for name in busiest)]
        for row in _shares(name, labels, named)
    ]
    spec = specification(_bars(rows, [*named, OTHERS]), height=height_of(len(busiest) + 1))
    table = [
        (name, label, *_against(counts[name], everyone, label))
        for name, label in _in_table(counts, everyone, order)
    ]
    columns = ("reviewer", "label", "share of the answers", "colleagues' share")
    summary = _mix_summary(counts, everyone)
    if len(counts) * len(order) > _MOST_ROWS:
        summary += f" The table has the {_MOST_ROWS} largest differences."
    return Figure("label-mix", "Label mix", summary, spec, columns, table)


def _in_table(
    counts: dict[str, dict[str, int]], everyone: dict[str, int], order: list[str]
) -> list[tuple[str, str]]:
    """Return reviewers and labels by name; of very many, where a reviewer differs most."""
    pairs = [(name, label) for name in sorted(counts) for label in order]
    if len(pairs) <= _MOST_ROWS:
        return pairs

    def difference(pair: tuple[str, str]) -> float:
        share, others = _both(counts[pair[0]], everyone, pair[1])
        return abs(share - (others or 0.0))

    largest = set(heapq.nlargest(_MOST_ROWS, pairs, key=difference))
    return [pair for pair in pairs if pair in largest]


def _shares(name: str, labels: dict[str, int], named: list[str]) -> list[dict[str, Any]]:
    total = sum(labels.values())
    known = {label: labels.get(label, 0) for label in named}
    known[OTHERS] = total - sum(known.values())
    return [
        {"reviewer": name, "label": label, "share": number / total, "rank": rank}
        for rank, (label, number) in enumerate(known.items())
        if number
    ]


def _bars(rows: list[dict[str, Any]], domain: list[str]) -> Any:
    present = {row["label"] for row in rows}
    return (
        alt.Chart(values(rows))
        .mark_bar()
        .encode(
            y=alt.Y("reviewer:N", sort=None, title=None, axis=alt.Axis(labelLimit=120)),
            x=alt.X(
                "share:Q",
                title="share of the answers",
                scale=alt.Scale(domain=[0, 1]),
                axis=PERCENT_AXIS,
            ),
            color=alt.Color(
                "label:N",
                scale=alt.Scale(domain=[label for label in domain if label in present]),
                legend=alt.Legend(columns=2, labelLimit=140),
            ),
            order=alt.Order("rank:Q"),
        )
    )


def _against(own: dict[str, int], everyone: dict[str, int], label: str) -> tuple[str, str]:
    """Return the shares of a label, one reviewer's and the others'."""
    share, others = _both(own, everyone, label)
    return percent(share), NONE if others is None else percent(others)


def _both(own: dict[str, int], everyone: dict[str, int], label: str) -> tuple[float, float | None]:
    answers = sum(own.values())
    rest = sum(everyone.values()) - answers
    given = own.get(label, 0)
    return given / answers, (everyone[label] - given) / rest if rest else None


def _mix_summary(counts: dict[str, dict[str, int]], everyone: dict[str, int]) -> str:
    answers = count(sum(everyone.values()), "answer")
    who = count(len(counts), "reviewer")
    differences = [
        (abs(share - others), name, label, share, others)
        for name, labels in counts.items()
        for label in everyone
        for share, others in [_both(labels, everyone, label)]
        if others is not None
    ]
    if not differences:
        return f"{answers} of {who}, without gold."
    _, name, label, share, others = max(differences)
    return (
        f"{answers} of {who}, without gold. The largest difference: {name} gives {label} in "
        f"{percent(share)} of the answers, the colleagues in {percent(others)}."
    )
