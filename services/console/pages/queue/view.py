"""What the page of the queue shows (pure)."""

from typing import Any

from services.console.web.words import count, duration, number

LANES = {
    "mandatory": ("ordinary", "the model may not answer, or is not sure enough"),
    "audit": ("audit", "answered already; a blind review checks the promise"),
    "certification": ("certification", "blind labels that prove a version"),
    "optional": ("optional", "answered unless a reviewer is free in time"),
    "pool": ("training", "labels for the next version"),
    "gold": ("gold", "the label is known; shows how reviewers do"),
    "relabel": ("relabel", "asked again"),
    "shadow": ("shadow", "blind: a new version and the champion differ"),
}
STATES = ("open", "leased", "resolved", "erased")
# By name: in words, how many steps, and seconds of each.
SPANS = {
    "day": ("the last 24 hours", 24, 3_600),
    "week": ("the last 7 days", 28, 21_600),
    "month": ("the last 4 weeks", 28, 86_400),
}
_PER_HOUR = 3_600
_EXACT_BELOW = 10


def rate(an_hour: float) -> str:
    """Return tasks an hour, with a decimal where they are few."""
    return number(an_hour, 1 if 0 < an_hour < _EXACT_BELOW else 0)


def tiles(forecast: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return (name, figure, explanation) of each figure of ``GET …/queue``."""
    window = duration(forecast["window_seconds"])
    return [
        ("waiting", number(forecast["open"]), f"{number(forecast['leased'])} in work"),
        ("for an adjudicator", number(forecast["adjudication"]), "reviewers disagree, or skipped"),
        (
            "new tasks an hour",
            rate(_PER_HOUR * forecast["arrival_rate"]),
            f"over the last {window}",
        ),
        (
            "answered an hour",
            rate(_PER_HOUR * forecast["resolution_rate"]),
            f"by {count(forecast['reviewers'], 'reviewer')}",
        ),
        ("expected wait", duration(forecast["expected_wait_seconds"]), "of a new ordinary task"),
        ("to clear it all", duration(forecast["backlog_seconds"]), "at the present pace"),
    ]
