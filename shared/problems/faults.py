"""Faults of a payload, as refusals list them: bounded in number and in length (pure)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import ValidationError

from shared.contracts.base import FAULTS_SHOWN
from shared.contracts.items import escape_pointer
from shared.problems.wording import wording_of

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
