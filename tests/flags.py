"""A field type that no release has: all that a new one takes is this module, and a line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

from shared.contracts.versions import ModelInput
from shared.fields.spec import ColumnKind, Display, Encoding, FieldSpec, WireKind, as_json
from shared.fields.types import FIELD_TYPES


class FlagField(FieldSpec):
    """True or false; `yes` is what a page says for true."""

    type: Literal["flag"] = "flag"
    yes: str = "yes"
    column: ClassVar[ColumnKind] = "flag"
    wire: ClassVar[WireKind] = "BOOL"

    def fault(self, value: Any) -> str | None:
        return None if isinstance(value, bool) else "must be true or false"

    def encoding(self, kind: str, entry: ModelInput) -> Encoding | None:
        return Encoding(decode=bool) if kind in {"float", "int64"} else None

    def sent(self) -> Encoding:
        return Encoding()

    def sample(self, chance: Any, *, whole: bool, longest: bool) -> bool:
        return bool(chance.integers(2))

    def display(self, value: Any, image_origins: frozenset[str]) -> Display:
        return Display("flag", self.yes if value else "no") if value in (0, 1) else as_json(value)


@contextmanager
def flags() -> Iterator[None]:
    """Let the type be in the table for a while."""
    FIELD_TYPES["flag"] = FlagField
    try:
        yield
    finally:
        del FIELD_TYPES["flag"]
