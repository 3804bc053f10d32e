"""How fields' values stand in the rows of a tensor."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
