"""A finite number."""

import math
from typing import Any, ClassVar, Literal

from shared.contracts.versions import ModelInput
from shared.fields.spec import (
    ColumnKind,
    Display,
    Encoding,
    FieldSpec,
    Unscorable,
    WireKind,
    as_json,
    number_text,
)

_INT64_END = 2**63


def is_number(value: Any) -> bool:
    """Say whether `value` is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def whole_number(value: float) -> int:
    """Return a number for an int64 tensor; `Unscorable` when it is none."""
    whole = int(value)
    if whole != value or not -_INT64_END <= whole < _INT64_END:
        raise Unscorable("a number is not whole, or too large for int64")
    return whole


def _known_whole_number(value: float | None) -> int:
    if value is None:
        raise Unscorable("a number is missing, and int64 has no place for that")
    return whole_number(value)


class NumberField(FieldSpec):
    """A number; NaN in a graph where it is not known.

    Made-up ones lie in [0, 1): nothing is known of the model's scale.
    """

    type: Literal["number"] = "number"
    column: ClassVar[ColumnKind] = "number"
    wire: ClassVar[WireKind] = "a number"
    may_be_optional: ClassVar[bool] = True

    def fault(self, value: Any) -> str | None:
        is_right = is_number(value) or self.is_left_out(value)
        return None if is_right else "must be a finite number"

    def encoding(self, kind: str, entry: ModelInput) -> Encoding | None:
        if kind == "int64":
            return Encoding(_known_whole_number if self.optional else whole_number)
        if kind not in {"float", "double"}:
            return None
        if not self.optional:
            return Encoding()
        return Encoding(lambda value: math.nan if value is None else value)

    def sent(self) -> Encoding:
        return Encoding()

    def sample(self, chance: Any, *, whole: bool, longest: bool) -> float:
        return int(chance.integers(2)) if whole else float(chance.random())

    def display(self, value: Any, image_origins: frozenset[str]) -> Display:
        is_shown = isinstance(value, int | float)
        return Display(self.type, number_text(value)) if is_shown else as_json(value)
