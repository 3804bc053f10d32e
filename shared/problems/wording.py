"""Our own words for faults that pydantic finds (pure)."""

from collections.abc import Mapping
from typing import Any

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
