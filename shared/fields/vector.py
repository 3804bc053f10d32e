"""Finite numbers, `length` of them."""

from typing import Any, ClassVar, Literal

from shared.contracts.versions import ModelInput
from shared.fields.number import is_number, whole_number
from shared.fields.spec import (
    ColumnKind,
    Display,
    Encoding,
    FieldSpec,
    WireKind,
    as_json,
    number_text,
)

_NUMBERS_SHOWN = 8


class VectorField(FieldSpec):
    """Numbers side by side."""

    type: Literal["vector"] = "vector"
    needs: ClassVar[Literal["values", "length"] | None] = "length"
    column: ClassVar[ColumnKind] = "vector"
    wire: ClassVar[WireKind] = "a number"

    def fault(self, value: Any) -> str | None:
        if not isinstance(value, list) or not all(map(is_number, value)):
            return "must be a list of finite numbers"
        if len(value) != self.length:
            return f"must have {self.length} numbers, has {len(value)}"
        return None

    def encoding(self, kind: str, entry: ModelInput) -> Encoding | None:
        if kind == "int64":
            return Encoding(lambda value: [whole_number(one) for one in value], width=self.length)
        return self.sent() if kind in {"float", "double"} else None

    def sent(self) -> Encoding:
        return Encoding(width=self.length)

    def sample(self, chance: Any, *, whole: bool, longest: bool) -> Any:
        made = chance.integers(2, size=self.length) if whole else chance.random(self.length)
        return made.tolist()

    def display(self, value: Any, image_origins: frozenset[str]) -> Display:
        # Data may be older than the field's type.
        if not isinstance(value, list) or not all(isinstance(one, int | float) for one in value):
            return as_json(value)
        shown = ", ".join(map(number_text, value[:_NUMBERS_SHOWN]))
        if len(value) <= _NUMBERS_SHOWN:
            return Display(self.type, shown)
        whole = ", ".join(map(number_text, value))
        return Display(self.type, f"{shown}, … ({len(value)} numbers)", whole)
