"""A field's value as the reviewers' page shows it (pure)."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Display:
    """`kind` picks the markup; `value` is shown, and `whole`, if any, unfolds from it."""

    kind: str
    value: str
    whole: str = ""


def number_text(value: float) -> str:
    """Write a number as people do: to twelve digits, so that 0.1 + 0.2 is 0.3."""
    return str(value) if isinstance(value, int) else f"{value:.12g}"


def as_json(value: Any) -> Display:
    """Show any value as JSON that unfolds."""
    return Display("json", _summary(value), json.dumps(value, indent=2, ensure_ascii=False))


def _summary(value: Any) -> str:
    if isinstance(value, dict):
        return f"object, {len(value)} members"
    if isinstance(value, list):
        return f"list, {len(value)} elements"
    return type(value).__name__ if value is not None else "null"
