"""Any JSON: shown to reviewers, and never fed to a graph."""

import math
from typing import Any, ClassVar, Literal

from shared.fields.spec import ColumnKind, Display, FieldSpec, as_json

# What goes in must come out again, and encoders stop at a few hundred levels.
_DEPTH = 100


class JsonField(FieldSpec):
    """Opaque JSON."""

    type: Literal["json"] = "json"
    column: ClassVar[ColumnKind] = "json"

    def fault(self, value: Any) -> str | None:
        return self._fault(value, _DEPTH)

    def _fault(self, value: Any, depth: int) -> str | None:
        if depth == 0:
            return f"must not be nested more than {_DEPTH} deep"
        if isinstance(value, dict):
            parts = [*value.keys(), *value.values()]
        elif isinstance(value, list):
            parts = value
        else:
            return self._fault_of_one(value)
        return next((fault for part in parts if (fault := self._fault(part, depth - 1))), None)

    def _fault_of_one(self, value: Any) -> str | None:
        if isinstance(value, float) and not math.isfinite(value):
            return "must not contain NaN or Infinity"
        if isinstance(value, str):
            if len(value) > self.max_length:
                return f"must have at most {self.max_length} characters, has {len(value)}"
            if "\x00" in value:
                return "must not contain NUL"
        return None

    def sample(self, chance: Any, *, whole: bool, longest: bool) -> Any:
        return {}

    def display(self, value: Any, image_origins: frozenset[str]) -> Display:
        return as_json(value)
