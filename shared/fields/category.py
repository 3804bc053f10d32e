"""One of the texts that the project lists as `values`."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from shared.contracts.versions import ModelInput
from shared.fields.spec import Encoding, FieldSpec, utf8


class CategoryField(FieldSpec):
    """A category: its text, its index, or one column a value with a 1 in its own.

    One that is not known is an empty text, -1, or zeros alone.
    """

    type: Literal["category"] = "category"
    needs: ClassVar[Literal["values", "length"] | None] = "values"
    may_be_optional: ClassVar[bool] = True

    def fault(self, value: Any) -> str | None:
        # A cell of a table is a text, be it empty.
        if self.is_left_out(value or None):
            return None
        if not isinstance(value, str) or value not in (self.values or ()):
            return "must be one of the field's values"
        return None

    def encoding(self, kind: str, entry: ModelInput) -> Encoding | None:
        if kind == "string":
            return Encoding((lambda value: value or "") if self.optional else None, utf8)
        position: dict[str | None, int] = {value: i for i, value in enumerate(self._values)}
        if self.optional:
            position |= {None: -1, "": -1}
        if kind == "int64":
            return Encoding(position.__getitem__, self._at)
        if kind not in {"float", "double"}:
            return None
        import numpy as np  # noqa: PLC0415 - the review queue reads this module without it

        columns = np.arange(len(self._values))
        return Encoding(lambda value: columns == position[value], self._single, len(self._values))

    def sample(self, chance: Any, *, whole: bool, longest: bool) -> str:
        return self._values[int(chance.integers(len(self._values)))]

    @property
    def _values(self) -> list[str]:
        return self.values or []

    def _at(self, index: Any) -> str:
        if index != index // 1 or not 0 <= index < len(self._values):
            raise ValueError(f"must be an index below {len(self._values)}")
        return self._values[int(index)]

    def _single(self, row: Sequence[Any]) -> str:
        if sorted(row) != [0] * (len(self._values) - 1) + [1]:
            raise ValueError("must have a single 1 among zeros, in the columns of the category")
        return self._values[row.index(1)]
