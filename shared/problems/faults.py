"""Faults of a payload, in our own words, bounded in number and in length (pure)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import ValidationError

from shared.contracts.base import FAULTS_SHOWN
from shared.contracts.items import escape_pointer

_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a member of this object: check the name, or leave it out",
    "string_type": "must be a string",
    "bytes_type": "must be a string",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dataclass_type": "must be an object",
    "none_required": "must be null",
    "finite_number": "must be a finite number",
    "string_too_short": "must have at least {min_length} character(s)",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length}, has {actual_length}",
    "too_long": "must have at most {max_length}, has {actual_length}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "string_unicode": "must not contain a lone surrogate",
    "recursion_loop": "must not contain itself",
    "json_invalid": "must be JSON",
}
# Faults of a moment in time: pydantic has a dozen types of them.
_MOMENT = "must be a time in RFC 3339, such as 2026-11-24T06:00:00Z"
_OWN = ("value_error", "assertion_error")
_VALUE_ERROR = "Value error, "


def wording_of(entry: Mapping[str, Any]) -> str:
    """Return what is wrong, of an entry of pydantic's `errors()`, behind its pointer.

    A fault that has no wording here keeps pydantic's.

    Examples
    --------
    >>> wording_of({"type": "greater_than_equal", "msg": "Input should be …", "ctx": {"ge": 1}})
    'must be at least 1'
    """
    kind, message = str(entry["type"]), str(entry["msg"])
    if kind.startswith(("datetime_", "timezone_")):
        return _MOMENT
    if kind in _OWN:
        return message.removeprefix(_VALUE_ERROR)
    words = _WORDS.get(kind)
    try:
        return message if words is None else words.format_map(entry.get("ctx") or {})
    except KeyError:
        return message


# A name or a value at fault may be as long as the body.
_POINTER_SHOWN = 300
_DETAIL_SHOWN = 500


def faults_of(error: ValidationError) -> list[tuple[str, str]]:
    """Return the first hundred faults that pydantic found, each behind its pointer."""
    return list(listed_faults(error.errors(include_url=False, include_input=False)))


def listed_faults(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the first hundred of pydantic's own entries, each behind its pointer."""
    return (
        (pointer_of(entry["loc"]), wording_of(entry)) for entry in islice(entries, FAULTS_SHOWN)
    )


def pointer_of(location: Iterable[int | str]) -> str:
    """Return the JSON pointer of a pydantic error's location; query and path keep their prefix."""
    parts = [str(part) for part in location]
    if parts and parts[0] == "body":
        parts = parts[1:]
    return "".join("/" + escape_pointer(part) for part in parts)


def fault_document(pointer: str, detail: str) -> dict[str, str]:
    """Return a fault as an entry of `errors`."""
    return {"pointer": _cut(pointer, _POINTER_SHOWN), "detail": _cut(detail, _DETAIL_SHOWN)}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


def first_of(listed: Sequence[Mapping[str, str]]) -> str:
    """Say the first of the faults in a sentence, and how many more there are."""
    if not listed:
        return "The payload does not match the contract."
    first, more = listed[0], len(listed) - 1
    said = f"{first['pointer'] or 'The payload'}: {first['detail']}"
    return said if not more else f"{said} (and {more} more: see `errors`)"
