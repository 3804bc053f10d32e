"""A setting of the form: how it is written and read (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any, Literal

from services.console.pages.configuration import label_displays

Kind = Literal[
    "line", "text", "lines", "displays", "percent", "percents", "number", "whole", "check", "part"
]
_MOST_PERCENT = 100


@dataclass(frozen=True)
class Setting:
    """A setting: its place in the project's document, and how people read it.

    `name` has the names of the members that lead to it, with points between, and is the field's
    name in the form. A `part` is null in the document where it is off, and other settings are its
    members.
    """

    name: str
    kind: Kind
    words: str
    hint: str = ""
    may_be_empty: bool = False

    @property
    def path(self) -> list[str]:
        """The names of the members that lead to it."""
        return self.name.split(".")

    def shown(self, project: Mapping[str, Any]) -> str:
        """Return the setting's value as the form has it."""
        value: Any = project
        for key in self.path:
            value = value[key] if isinstance(value, Mapping) and key in value else None
        return "" if value is None else _written(self.kind, value)

    def told(self, text: str) -> str:
        """Return such a value as people compare it."""
        return label_displays.in_words(text) if self.kind == "displays" else text

    def read(self, text: str) -> Any:
        """Return the value of what a person wrote.

        Raises `ValueError`: it is none; the message says why.
        """
        text = text.replace("\r\n", "\n")
        match self.kind:
            case "check":
                return text == "on"
            case "part":
                return {} if text == "on" else None
            case "lines" | "percents":
                lines = [line.strip() for line in text.split("\n") if line.strip()]
                return [_percent(line) for line in lines] if self.kind == "percents" else lines
            case "line" | "text":
                return text
            case "percent" | "number" | "whole":
                is_empty = self.may_be_empty and not text.strip()
                return None if is_empty else _NUMBERS[self.kind](text)


def _written(kind: Kind, value: Any) -> str:
    match kind:
        case "lines":
            return "\n".join(value)
        case "displays":
            return label_displays.text_of(value)
        case "check":
            return "on" if value else ""
        case "part":
            return "on"
        case "percents":
            return "\n".join(f"{100 * one:.10g}" for one in value)
        case "percent":
            return f"{100 * value:.10g}"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _number(text: str) -> float:
    try:
        value = float(text.replace(",", ".").replace(" ", ""))
    except ValueError:
        value = nan
    if not isfinite(value):
        raise ValueError(f"{text[:40]!r} is not a number")
    return value


def _whole(text: str) -> int:
    value = _number(text)
    if int(value) != value:
        raise ValueError("write a whole number")
    return int(value)


def _percent(text: str) -> float:
    value = _number(text.removesuffix("%"))
    if not 0 <= value <= _MOST_PERCENT:
        raise ValueError(f"{text[:40]!r} is not a percentage from 0 to 100")
    return round(value / 100, 12)


_NUMBERS: dict[Kind, Callable[[str], float]] = {
    "number": _number,
    "whole": _whole,
    "percent": _percent,
}
