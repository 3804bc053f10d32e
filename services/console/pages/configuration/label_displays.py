"""How reviewers see labels: written in the form, compared as text, and as a merge patch (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

MEMBERS = ("name", "description", "color", "key")
# All members, empty: templates ask for each.
NOTHING = dict.fromkeys(MEMBERS, "")
_LABEL = "display.label"
_UNREADABLE = "the display of labels cannot be read: open the page anew"
_WORDS = {"description": "“{}”", "color": "{}", "key": "key {}", "name": "shown as {}"}


def text_of(displays: Mapping[str, Mapping[str, Any]]) -> str:
    """Return displays as one line of JSON: the same displays give the same text."""
    given = {
        label: {member: value for member in MEMBERS if (value := display.get(member))}
        for label, display in displays.items()
    }
    kept = {label: display for label, display in given.items() if display}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode() if kept else ""


def displays_of(text: str) -> dict[str, dict[str, str]]:
    """Return the displays of such a text.

    Raises `ValueError`: it is none.
    """
    try:
        displays = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError as error:
        raise ValueError(_UNREADABLE) from error
    if not isinstance(displays, dict) or not all(map(_is_display, displays.values())):
        raise ValueError(_UNREADABLE)
    return displays


def readable(text: str) -> dict[str, dict[str, str]]:
    """Return what `displays_of` does; none where the text is no display."""
    try:
        return displays_of(text)
    except ValueError:
        return {}


def _is_display(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def posted(lists: Mapping[str, Sequence[str]]) -> str | None:
    """Return the text of the displays that a form has; None where it has no such fields.

    Each label has a field of each member, in the same order.
    """
    labels = lists.get(_LABEL)
    if labels is None:
        return None
    displays: dict[str, dict[str, str]] = {label: {} for label in labels}
    for member in MEMBERS:
        for label, value in zip(labels, lists.get(f"display.{member}", ()), strict=False):
            displays[label][member] = value.strip()
    return text_of(displays)


def rows(labels: Sequence[str], text: str) -> list[dict[str, str]]:
    """Return a row of the form for each label; empty ones where the text is no display."""
    displays = readable(text)
    return [NOTHING | displays.get(label, {}) | {"label": label} for label in labels]


def in_words(text: str) -> str:
    """Return displays as people read them, a label a line; a text that is none as it is."""
    lines = []
    try:
        displays = displays_of(text)
    except ValueError:
        return text
    for label, display in displays.items():
        told = [_WORDS[member].format(display[member]) for member in MEMBERS if member in display]
        lines.append(f"{label}: {', '.join(told)}")
    return "\n".join(lines)


def patch_of(before: str, wanted: str) -> dict[str, Any]:
    """Return the merge patch from one text to another; null takes a member away."""
    old, new = displays_of(before), displays_of(wanted)
    patch: dict[str, Any] = {label: None for label in old if label not in new}
    for label, display in new.items():
        was = old.get(label, {})
        changed = {
            member: display.get(member)
            for member in MEMBERS
            if display.get(member) != was.get(member)
        }
        if changed:
            patch[label] = changed
    return patch
