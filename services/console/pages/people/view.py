"""What the page of people shows (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.console.web.words import NONE, duration, number, percent


def reviewer_rows(reviewers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the table shows of each reviewer."""
    return [
        {
            "name": one["reviewer"],
            "answers": number(one["verdicts"]),
            "skipped": percent(one["skip_rate"]),
            "seconds": _seconds(one["active_seconds_median"]),
            "gold": _gold(one["gold"]),
            "agreement": _agreement(one["outcomes"]),
            "last_seen": one["last_seen"],
            "warnings": one["warnings"],
            "pause": one["pause"],
            "tags": one["tags"],
        }
        for one in reviewers
    ]


def tags_in(text: str) -> list[str]:
    """Return the tags that were typed, separated by commas."""
    return [tag.strip() for tag in text.split(",") if tag.strip()]


def matched(project: Mapping[str, Any], reviewers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the metadata keys that decide who gets a task; also where tags are left of earlier."""
    keys = list((project.get("review") or {}).get("match", []))
    tags = {tag.partition("=")[0] for one in reviewers for tag in one["tags"]}
    return keys or sorted(tags)


def _seconds(median: float | None) -> str:
    return NONE if median is None else f"{median:.1f} s" if median < 60 else duration(median)


def _gold(gold: Mapping[str, Any] | None) -> str:
    if gold is None:
        return NONE
    between = f"{percent(gold['low'])} to {percent(gold['high'])}"
    return f"{percent(gold['accuracy'])} of {number(gold['tasks'])} ({between})"


def _agreement(outcomes: Mapping[str, Any] | None) -> str:
    if outcomes is None:
        return NONE
    return f"{percent(outcomes['agreement'])} of {number(outcomes['tasks'])}"


def unmeasured(project: Mapping[str, Any], reviewers: Sequence[Mapping[str, Any]]) -> str | None:
    """Explain why no reviewer's accuracy can be measured; None where it can be."""
    review = project.get("review")
    if review is None or any(one["gold"] or one["outcomes"] for one in reviewers):
        return None
    if review["overlap"] > 1:
        return None
    return (
        "Each task is answered by one reviewer and there is no gold yet, so a careless reviewer "
        "would not be noticed. Raise the answers a task gets in Settings, or add gold: tasks whose "
        "label is known."
    )
