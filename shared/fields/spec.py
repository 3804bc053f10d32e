"""What a field type is: a class whose instances are the fields of projects.

An instance is what a project says of one field. Its methods are all that the services do with the
field's values: how they stand in the rows of a tensor (`Encoding`), and how reviewers see them
(`Display`). What a method needs of NumPy or Pillow it imports itself: the review queue has
neither.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shared.contracts.base import Label, Message
from shared.contracts.versions import ModelInput


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


# What the manifest may call a tensor's type -> what ONNX calls it.
KINDS = {
    "string": "string",
    "float": "float",
    "float32": "float",
    "double": "double",
    "float64": "double",
    "int64": "int64",
    "uint8": "uint8",
}


class Unscorable(Exception):  # noqa: N818 - named as the house names its problems
    """The item is as the project says, but this graph cannot take it: it goes to people."""


@dataclass(frozen=True)
class Encoding:
    """How a value of one field stands in a row of a tensor.

    Attributes
    ----------
    encode : makes what the tensor takes of a value; None where that is the value itself.
    decode : makes a value of what the row has, or raises ValueError; None likewise.
    width : how many entries a value takes, in a sequence; None for a single one, bare.
    """

    encode: Callable[[Any], Any] | None = None
    decode: Callable[[Any], Any] | None = None
    width: int | None = None


def utf8(value: str | bytes) -> str:
    """Return the text of an element that came as bytes."""
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise ValueError("must be UTF-8") from error


# Columns of CSV and Parquet; a flag is true or false.
ColumnKind = Literal["text", "number", "vector", "json", "flag"]
# Datatypes of a tensor in the Open Inference Protocol.
WireKind = Literal["BYTES", "BOOL", "a number"]

_ALWAYS = {"type", "max_length", "values", "length"}


class FieldSpec(Message):
    """One field of an item's `data`.

    `text` may have `max_length` (characters), `category` its `values`, `vector` its `length`: these
    members stand in each field's document. Members of other types are their own. The value of an
    `optional` number or category may be null, or left out: it is not known.
    """

    type: str
    max_length: int = Field(default=20_000, ge=1, le=1_000_000)
    values: Annotated[list[Label], Field(fail_fast=True)] | None = Field(
        default=None, min_length=1, max_length=10_000
    )
    length: int | None = Field(default=None, ge=1, le=65_536)
    # Left out of documents where it is not: they stay as they were.
    optional: bool = Field(default=False, exclude_if=lambda value: not value)

    needs: ClassVar[Literal["values", "length"] | None] = None
    """The member that this type must have, and no other type may have."""
    column: ClassVar[ColumnKind] = "text"
    """Its column in CSV and Parquet."""
    wire: ClassVar[WireKind] = "BYTES"
    """The datatype of a tensor that has the field's own values."""
    may_be_optional: ClassVar[bool] = False
    """Whether graphs have a place for a value that is not known."""
    may_be_long: ClassVar[bool] = False
    """Whether a graph may take much longer over some values than over others."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.needs == "values") != (self.values is not None):
            raise ValueError("`values` belong to a category field, and to no other")
        if (self.needs == "length") != (self.length is not None):
            raise ValueError("`length` belongs to a vector field, and to no other")
        if self.optional and not self.may_be_optional:
            raise ValueError("only a number or a category may be `optional`")
        return self

    def certified(self) -> dict[str, Any]:
        """Return what a certificate's digest covers.

        A member that a later release adds is left out at its default: all releases then have the
        same digest.
        """
        return self.model_dump(include=_ALWAYS) | self.model_dump(exclude_defaults=True)

    def fault(self, value: Any) -> str | None:
        """Say why `value` is none of this field; None when it is."""
        raise NotImplementedError

    def is_left_out(self, value: Any) -> bool:
        """Say whether `value` is not known, and need not be."""
        return value is None and self.optional

    def encoding(self, kind: str, entry: ModelInput) -> Encoding | None:
        """Return how values stand in an input of ONNX's type `kind`; None when they cannot.

        Raises `ValueError`: they can, but not in an input of the shape that `entry` has.
        """
        return None

    def sent(self) -> Encoding:
        """Return how the field's own values stand in a tensor of datatype `wire`."""
        return Encoding(decode=utf8)

    def sample(self, chance: Any, *, whole: bool, longest: bool) -> Any:
        """Make a value up.

        Parameters
        ----------
        chance : numpy.random.Generator
        whole
            Whether an input takes whole numbers of it.
        longest
            Whether it is to be as long as the field allows.
        """
        raise NotImplementedError

    def display(self, value: Any, image_origins: frozenset[str]) -> Display:
        """Return how the reviewers' page shows `value`.

        The field may have had another type when the task came in: what does not fit is shown as
        JSON. Images are loaded from `image_origins` alone.
        """
        return Display(self.type, value) if isinstance(value, str) else as_json(value)
