"""Items, and the check of their `data` against a project's fields."""

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from pydantic import Field

from shared.contracts.base import FAULTS_SHOWN, Data, ItemId, Message, Metadata, new_id
from shared.contracts.projects import FieldSpec


class Item(Message):
    """One thing to decide. Without an id of the caller's it gets a UUIDv7."""

    item_id: ItemId = Field(default_factory=new_id)
    data: Data
    metadata: Metadata = {}


FieldError = tuple[str, str]

# What goes in must come out again, and encoders stop at a few hundred levels.
_JSON_DEPTH = 100
_TOKEN_SHOWN = 200


def check_data(
    data: Mapping[str, Any], fields: Mapping[str, FieldSpec], pointer: str = "/data"
) -> list[FieldError]:
    """Check `data` against the project's `fields`.

    Returns
    -------
    list of (JSON pointer, what is wrong); empty when the data is as the project says. Of names that
    are no fields the first hundred.
    """
    errors: list[FieldError] = []
    if data.keys() != fields.keys():
        unknown = (name for name in data if name not in fields)
        for name in islice(unknown, FAULTS_SHOWN):
            at = f"{pointer}/{escape_pointer(str(name))}"
            errors.append((at, "is not a field of this project"))
    for name, field in fields.items():
        if name not in data:
            errors.append((f"{pointer}/{name}", "is missing"))
        elif fault := _CHECKS[field.type](data[name], field):
            errors.append((f"{pointer}/{name}", fault))
    return errors


def check_metadata(
    metadata: Mapping[str, str], keys: list[str], pointer: str = "/metadata"
) -> list[FieldError]:
    """Check that every metadata key is one that the project declares."""
    return [
        (f"{pointer}/{escape_pointer(key)}", "is not a metadata key of this project")
        for key in metadata
        if key not in keys
    ]


def is_stored_url(value: str) -> bool:
    """Say whether an image field names a stored image instead of holding one."""
    return value.startswith(("https://", "http://"))


def escape_pointer(token: str) -> str:
    """`token` as one reference token of a JSON pointer (RFC 6901); a long one is cut off with "…".

    It is for people and their programs to find the place: a name may be as long as the body.
    """
    if len(token) > _TOKEN_SHOWN:
        token = f"{token[:_TOKEN_SHOWN]}…"
    return token.replace("~", "~0").replace("/", "~1")


def _text(value: Any, field: FieldSpec) -> str | None:
    if not isinstance(value, str):
        return "must be a string"
    if len(value) > field.max_length:
        return f"must have at most {field.max_length} characters, has {len(value)}"
    return "must not contain NUL" if "\x00" in value else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: Any, field: FieldSpec) -> str | None:  # noqa: ARG001 - one shape for all checks
    return None if _is_number(value) else "must be a finite number"


def _category(value: Any, field: FieldSpec) -> str | None:
    if not isinstance(value, str) or value not in (field.values or []):
        return "must be one of the field's values"
    return None


def _vector(value: Any, field: FieldSpec) -> str | None:
    if not isinstance(value, list) or not all(map(_is_number, value)):
        return "must be a list of finite numbers"
    if len(value) != field.length:
        return f"must have {field.length} numbers, has {len(value)}"
    return None


def _image(value: Any, field: FieldSpec) -> str | None:  # noqa: ARG001 - one shape for all checks
    if not isinstance(value, str) or not value:
        return "must be a base64 string or a URL"
    if is_stored_url(value):
        return None
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "must be base64 or a URL"
    return None


def _json(value: Any, field: FieldSpec, depth: int = _JSON_DEPTH) -> str | None:
    if depth == 0:
        return f"must not be nested more than {_JSON_DEPTH} deep"
    if isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list):
        parts = value
    else:
        parts = []
        if isinstance(value, float) and not math.isfinite(value):
            return "must not contain NaN or Infinity"
        if isinstance(value, str):
            return _text(value, field)
    return next((fault for part in parts if (fault := _json(part, field, depth - 1))), None)


_CHECKS: dict[str, Callable[[Any, FieldSpec], str | None]] = {
    "text": _text,
    "number": _number,
    "category": _category,
    "vector": _vector,
    "image": _image,
    "json": _json,
}
