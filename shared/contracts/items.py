"""Items, and the check of their `data` against a project's fields."""

import hashlib
from collections.abc import Mapping
from itertools import islice
from typing import Any

import orjson
from pydantic import Field

from shared.contracts.base import FAULTS_SHOWN, Data, ItemId, Message, Metadata, new_id
from shared.fields.spec import FieldSpec


class Item(Message):
    """One thing to decide. Without an id of the caller's it gets a UUIDv7."""

    item_id: ItemId = Field(default_factory=new_id)
    data: Data
    metadata: Metadata = {}


FieldError = tuple[str, str]

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
            if not field.optional:
                errors.append((f"{pointer}/{name}", "is missing"))
        elif fault := field.fault(data[name]):
            errors.append((f"{pointer}/{name}", fault))
    return errors


def check_metadata(metadata: Mapping[str, str], keys: list[str]) -> list[FieldError]:
    """Check that every metadata key is one that the project declares."""
    return [
        (f"/metadata/{escape_pointer(key)}", "is not a metadata key of this project")
        for key in metadata
        if key not in keys
    ]


def canonical_digest(value: Any) -> str:
    """SHA-256 (hex) of a value as JSON, whatever the order of its members."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def escape_pointer(token: str) -> str:
    """`token` as one reference token of a JSON pointer (RFC 6901); a long one is cut off with "…".

    It is for people and their programs to find the place: a name may be as long as the body.
    """
    if len(token) > _TOKEN_SHOWN:
        token = f"{token[:_TOKEN_SHOWN]}…"
    return token.replace("~", "~0").replace("/", "~1")
