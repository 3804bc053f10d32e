"""Decisions a day, stacked by reason."""

from collections import Counter
from typing import Any

import altair as alt

from services.console.charts.figure import Figure, day_axis, specification, values
from services.console.web.words import count, percent

REASONS = {
    "confident": "answered: confident",
    "human": "answered by people",
    "below_threshold": "below the threshold",
    "optional_review": "worth a review",
    "uncertified": "no certificate",
    "promise_suspended": "promise suspended",
    "promise_expired": "promise expired",
    "no_model": "no model",
    "model_invalid": "model invalid",
    "forced": "forced by the caller",
}
_COLUMNS = ("day", "reason", "decisions")


def reason_words(reason: str) -> str:
    """Return a decision's reason as a chart and a table name it."""
    return REASONS.get(reason, reason.replace("_", " "))


def decisions_chart(days: list[dict[str, Any]], note: str = "") -> Figure | None:
    """Return the chart of rows of `day`, `reason` and `decisions`; None without a decision.

    `note` says what was counted, when it was not all.
    """
    counted: Counter[tuple[str, str]] = Counter()
    for row in days:
        counted[row["day"], reason_words(row["reason"])] += row["decisions"]
    rows: list[dict[str, Any]] = [
        {"day": day, "reason": reason, "decisions": number}
        for (day, reason), number in sorted(counted.items())
    ]
    total = sum(counted.values())
    if not total:
        return None
    answered = sum(row["decisions"] for row in rows if row["reason"] == REASONS["confident"])
    share = percent(answered / total)
    summary = f"{count(total, 'decision')}: {share} answered by the model. {note}".strip()
    table = [(row["day"], row["reason"], str(row["decisions"])) for row in rows]
    title = "Decisions a day by reason"
    return Figure("decisions", title, summary, specification(_bars(rows)), _COLUMNS, table)


def _bars(rows: list[dict[str, Any]]) -> Any:
    present = {row["reason"] for row in rows}
    order = [words for words in REASONS.values() if words in present]
    order += sorted(present - set(order))
    ranked = [row | {"rank": order.index(row["reason"])} for row in rows]
    days = len({row["day"] for row in rows})
    return (
        alt.Chart(values(ranked))
        .mark_bar()
        .encode(
            x=alt.X("day:O", title=None, axis=day_axis(days)),
            y=alt.Y("decisions:Q", title="decisions", axis=alt.Axis(tickCount=5, format="~s")),
            color=alt.Color(
                "reason:N", scale=alt.Scale(domain=order), legend=alt.Legend(columns=2)
            ),
            order=alt.Order("rank:Q"),
        )
    )
