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
from services.console.web.words import NONE, count, duration, number, percent

_COUNTED = "Of the last 30 days, which are UTC."


def tiles(promise: Mapping[str, Any], queue: Card) -> list[tuple[str, str, str]]:
    """Return (name, figure, explanation) of each figure at the top."""
    audit = promise["audit"]
    shown = [
        (
            "answered by the model",
            percent(promise["share_answered"]),
            promise["version"] or "no version yet",
        ),
        (
            "promised accuracy",
            percent(promise["target_accuracy"], _digits(promise["target_accuracy"])),
            f"at {percent(promise['confidence'])} confidence",
        ),
        (
            "threshold",
            NONE if promise["threshold"] is None else f"{promise['threshold']:.3f}",
            "least confidence of an answer",
        ),
    ]
    if audit:
        interval = audit["interval"]
        between = (
            f"95 %: {percent(interval[0], 1)} to {percent(interval[1], 1)}" if interval else ""
        )
        shown.append(
            (
                "audits found wrong",
                f"{audit['errors']} of {audit['reviewed']}",
                between or f"{count(audit['audited'], 'audit')} drawn",
            )
        )
    if queue:
        waits = [lane["oldest_seconds"] for lane in queue.value["lanes"] if lane["open"]]
        oldest = f"oldest {duration(max(waits))}" if waits else "nothing is late"
        shown.append(("waiting for people", number(queue.value["open"]), oldest))
    return shown


def _digits(share: float) -> int:
    return 0 if round(share * 100, 6) == round(share * 100) else 1


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
