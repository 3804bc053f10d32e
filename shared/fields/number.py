"""A finite number."""

import math
from typing import Any, ClassVar, Literal

from shared.contracts.versions import ModelInput
from shared.fields.display import Display, as_json, number_text
from shared.fields.encoding import Encoding, Unscorable
from shared.fields.spec import ColumnKind, FieldSpec, WireKind

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


class NumberField(FieldSpec):
    """A number. Made-up ones lie in [0, 1): nothing is known of the model's scale."""

    type: Literal["number"] = "number"
    column: ClassVar[ColumnKind] = "number"
    wire: ClassVar[WireKind] = "a number"

    def fault(self, value: Any) -> str | None:
        return None if is_number(value) else "must be a finite number"

    def encoding(self, kind: str, entry: ModelInput) -> Encoding | None:
        if kind == "int64":
            return Encoding(whole_number)
        return Encoding() if kind in {"float", "double"} else None

    def sent(self) -> Encoding:
        return Encoding()

    def sample(self, chance: Any, *, whole: bool, longest: bool) -> float:
        return int(chance.integers(2)) if whole else float(chance.random())

    def display(self, value: Any, image_origins: frozenset[str]) -> Display:
        is_shown = isinstance(value, int | float)
        return Display(self.type, number_text(value)) if is_shown else as_json(value)
