"""What the page of people shows (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any


def tags_in(text: str) -> list[str]:
    """Return the tags that were typed, separated by commas."""
    return [tag.strip() for tag in text.split(",") if tag.strip()]


def matched(project: Mapping[str, Any], reviewers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the metadata keys that decide who gets a task; also where tags are left of earlier."""
    keys = list((project.get("review") or {}).get("match", []))
    tags = {tag.partition("=")[0] for one in reviewers for tag in one["tags"]}
    return keys or sorted(tags)


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
