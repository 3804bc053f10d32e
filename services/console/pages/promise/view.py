"""What the page of the promise shows (pure)."""

from collections.abc import Mapping
from typing import Any

from services.console.charts.accuracy import accuracy_chart
from services.console.charts.audited_error import audited_error_chart
from services.console.charts.confidences import confidences_chart
from services.console.charts.decisions import decisions_chart
from services.console.charts.figure import Figure
from services.console.charts.reliability import reliability_chart
from services.console.web.cards import Card
from services.console.web.words import count, number, percent

_COUNTED = "Of the last 30 days, which are UTC."


def charts(
    promise: Mapping[str, Any], *, reliability: Card, audits: Card, decisions: Card, scored: Card
) -> dict[str, Figure | None]:
    """Return the charts for which there are data."""
    target, threshold = promise["target_accuracy"], promise["threshold"]
    bins = scored.value["confidences"] if scored else []
    note = f"Scored by {promise['version']} in the last 30 days." if promise["version"] else ""
    return {
        "accuracy": accuracy_chart(reliability.value, target, threshold) if reliability else None,
        "reliability": reliability_chart(reliability.value) if reliability else None,
        "audited_error": audited_error_chart(audits.value["days"], target) if audits else None,
        "decisions": decisions_chart(decisions.value["days"], _COUNTED) if decisions else None,
        "confidences": confidences_chart(bins, threshold, note),
    }


def what_if_facts(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, figure) of what a target would mean."""
    threshold, reviews = figures["threshold"], number(figures["reviews_per_hour"], 1)
    facts = [
        (
            "answered by the model",
            percent(figures["share_answered"])
            + ("" if threshold is None else f", from confidence {threshold:.3f} on"),
        ),
        ("labels to certify it", f"at least {number(figures['labels_without_error'])}"),
        ("wrong answers in 1,000 items", number(figures["errors_per_thousand"], 1)),
        (
            "reviews an hour",
            f"{reviews} of {number(figures['items_per_hour'], 1)} items",
        ),
    ]
    if figures["days_to_detect"] is not None:
        days = count(max(1, round(figures["days_to_detect"])), "day")
        facts.append(("audits notice a doubled error after", days))
    return facts
