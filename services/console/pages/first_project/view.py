"""A new project from a few answers (pure)."""

import re
from dataclasses import dataclass
from typing import Any

from services.console.web.words import lines_of
from shared.contracts.certificates import least_labels

TARGETS = (0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
TYPES = ("text", "number", "category", "image", "vector", "json")
CONFIDENCE = 0.95
_ROOM_FOR_ERRORS = 3
_FEWEST = 40
_FIELD = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]{0,62})\s*(?::\s*([a-z]+)\s*)?")


@dataclass(frozen=True)
class Price:
    """What a target costs: labels without an error, and those that a certification asks for."""

    target: float
    least: int
    asked: int


def price_of(target: float) -> Price:
    """Return the price of a target in labels.

    A certification asks for three times as many as would prove the target without an error, so
    that a model that is somewhat better than promised can make some.
    """
    least = least_labels(target, CONFIDENCE)
    return Price(target, least, max(_FEWEST, _ROOM_FOR_ERRORS * least))


def prices() -> list[Price]:
    """Return the targets to choose from."""
    return [price_of(target) for target in TARGETS]


def fields_of(text: str) -> dict[str, dict[str, str]]:
    """Return the fields of lines such as ``text`` or ``stars: number``.

    Raises `ValueError`: a line is no field; the message says which.
    """
    fields = {}
    for line in lines_of(text):
        match = _FIELD.fullmatch(line)
        kind = match and (match[2] or "text")
        if match is None or kind not in TYPES:
            raise ValueError(
                f"{line[:60]!r} is no field: write a name of letters, digits and underscores, and "
                f"after a colon one of {', '.join(TYPES)}."
            )
        fields[match[1]] = {"type": str(kind)}
    return fields


def project_of(answers: dict[str, str]) -> dict[str, Any]:
    """Return the project that the answers of the form describe.

    Raises `ValueError`: an answer does not hold; the message says which.
    """
    try:
        target = float(answers.get("target") or TARGETS[2])
        first = int(answers.get("first_labels") or 0)
    except ValueError as error:
        raise ValueError("The number of first labels must be a number.") from error
    fields = fields_of(answers.get("fields", ""))
    has_text = any(spec["type"] == "text" for spec in fields.values())
    return {
        "title": answers.get("title", ""),
        "labels": lines_of(answers.get("labels", "")),
        "fields": fields,
        "instructions": answers.get("instructions", ""),
        "promise": {
            "target_accuracy": target,
            "confidence": CONFIDENCE,
            "certification_labels": price_of(target).asked,
        },
        "training": {
            "min_new_labels": first,
            # What suits a project without a text is tried out.
            "recipe": "text-linear" if has_text else "auto",
        },
    }
