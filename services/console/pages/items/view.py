"""What the page of an item shows (pure)."""

from collections.abc import Mapping
from typing import Any

from services.console.charts.decisions import reason_words
from services.console.web.words import percent, plain

# By the kind of a line of a task's timeline.
KINDS = {
    "created": "Task created",
    "moved": "Moved to another lane",
    "asked": "Asked for again",
    "leased": "Taken by a reviewer",
    "released": "Given back",
    "expired": "Lease expired",
    "superseded": "Superseded",
    "verdict": "Answered",
    "skipped": "Skipped",
    "resolved": "Resolved",
    "reopened": "Reopened",
    "undone": "Answer taken back",
    "disputed": "Waits for an adjudicator",
    "adjudicated": "Adjudicated",
    "label_mapped": "Label renamed",
    "erased": "Erased",
}


def decision_facts(decision: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, figure) of a recorded decision."""
    facts = [
        ("decision", decision["decision"].replace("_", " ")),
        ("reason", reason_words(decision["reason"])),
        ("label", decision["label"] or decision["suggestion"]),
        ("confidence", percent(decision["confidence"], 1)),
        ("version", decision["model_version"]),
        ("under audit", plain(decision["audited"])),
    ]
    return [(name, plain(value)) for name, value in facts if value is not None]


def fields(data: Mapping[str, Any], types: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (name, type, text) of an item's fields; an image as a data URL where it is one."""
    shown = []
    for name, value in data.items():
        kind = (types.get(name) or {}).get("type", "json")
        text = plain(value)
        if kind == "image" and isinstance(value, str):
            if picture := _picture(value):
                text = picture
            else:
                kind = "address"
        shown.append((name, kind, text))
    return shown


def _picture(value: str) -> str | None:
    """Return a data URL of what begins as an image does in base64."""
    begins = {"iVBORw0KGgo": "png", "/9j/": "jpeg", "UklGR": "webp"}
    content = value.partition("base64,")[2] or value
    for start, kind in begins.items():
        if content.startswith(start):
            return f"data:image/{kind};base64,{content}"
    return None
