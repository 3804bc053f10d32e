"""Text of at most `max_length` characters."""

from typing import Any, ClassVar, Literal

from shared.contracts.versions import ModelInput
from shared.fields.spec import Encoding, FieldSpec, utf8

_WORDS = ("good", "Not", "the", "price", "ÉCOLE", "naïve", "2026", "don't", "!", "日本語", "🙂")
_MOST_WORDS = 12


class TextField(FieldSpec):
    """Text; a graph takes it as it is."""

    type: Literal["text"] = "text"
    may_be_long: ClassVar[bool] = True

    def fault(self, value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        if len(value) > self.max_length:
            return f"must have at most {self.max_length} characters, has {len(value)}"
        return "must not contain NUL" if "\x00" in value else None

    def encoding(self, kind: str, entry: ModelInput) -> Encoding | None:
        return Encoding(decode=utf8) if kind == "string" else None

    def sample(self, chance: Any, *, whole: bool, longest: bool) -> str:
        count = self.max_length // 2 + 1 if longest else int(chance.integers(1, _MOST_WORDS))
        return " ".join(chance.choice(_WORDS, count))[: self.max_length]
