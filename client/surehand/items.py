"""Items to predict, in whatever form the caller has them. Pure."""

import base64
import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CALL_ITEMS = 500
# Half of what services take by default: a proxy may take less.
CALL_BYTES = 4 * 1024 * 1024
_MEMBERS = frozenset({"item_id", "data", "metadata"})


@dataclass(frozen=True)
class Shape:
    """What a project's items consist of: the names of its fields and of its metadata."""

    fields: Sequence[str]
    metadata: Sequence[str] = ()


@dataclass(frozen=True)
class EncodedItem:
    """An item as JSON, and its id."""

    item_id: str
    text: bytes


def is_whole(item: object) -> bool:
    """Say whether `item` is already as predict takes it: ``{"data": {…}, "item_id": …}``."""
    return (
        isinstance(item, Mapping)
        and isinstance(item.get("data"), Mapping)
        and _MEMBERS.issuperset(item)
    )


def rows(items: Iterable[Any]) -> Iterator[Any]:
    """Yield the items of an iterable, or the rows of a table as dictionaries.

    A pandas or Polars DataFrame and an Arrow table are known by their methods. A single string or
    mapping is no list of items.

    Raises
    ------
    TypeError
        `items` is one item.
    """
    if isinstance(items, str | bytes | Mapping):
        raise TypeError("Pass a list of items, not a single one.")
    if hasattr(items, "itertuples") and hasattr(items, "columns"):
        names = [str(name) for name in items.columns]
        for values in items.itertuples(index=False, name=None):
            yield dict(zip(names, values, strict=True))
    elif hasattr(items, "iter_rows"):
        yield from items.iter_rows(named=True)
    elif hasattr(items, "to_pylist"):
        yield from items.to_pylist()
    else:
        yield from items


def encode(item: Any, shape: Shape | None) -> EncodedItem:
    """Return the JSON of an item; an item without an id gets a UUIDv7.

    Parameters
    ----------
    item
        A whole item, or a row: a mapping with a value for each field, maybe with ``item_id`` and
        metadata; or the value of the only field.
    shape
        The project's; a whole item does without.

    Raises
    ------
    TypeError
        The item has a value that JSON cannot hold, or is a bare value of a project with several
        fields.
    ValueError
        The item has NaN or an infinity.
    """
    if is_whole(item):
        whole = dict(item)
    elif shape is None:
        raise TypeError("The first item is a whole one, {'data': {…}}: so must all others be.")
    else:
        whole = _from_row(item, shape)
    if whole.get("item_id") is None:
        whole["item_id"] = new_item_id()
    whole["item_id"] = str(whole["item_id"])
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":"),
                      default=_plain)  # fmt: skip
    return EncodedItem(whole["item_id"], text.encode())


def _from_row(item: Any, shape: Shape) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        if len(shape.fields) != 1:
            fields = ", ".join(shape.fields)
            raise TypeError(f"The project has several fields ({fields}): pass dictionaries.")
        return {"data": {shape.fields[0]: item}}
    row = dict(item)
    whole: dict[str, Any] = {}
    if "item_id" not in shape.fields and "item_id" in row:
        whole["item_id"] = row.pop("item_id")
    known = set(shape.metadata) - set(shape.fields)
    metadata = {name: str(row.pop(name)) for name in known & row.keys() if row[name] is not None}
    whole["data"] = {name: value for name, value in row.items() if name not in known}
    if metadata:
        whole["metadata"] = metadata
    return whole


def _plain(value: Any) -> Any:
    """Return what JSON has for a value of NumPy, or for bytes (base64, as of pictures)."""
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no value of a field.")


def batches(
    items: Iterable[EncodedItem], most_items: int = CALL_ITEMS, most_bytes: int = CALL_BYTES
) -> Iterator[list[EncodedItem]]:
    """Yield lists of items, in order: each has at most so many items and bytes.

    An item that is larger has a list of its own.
    """
    batch: list[EncodedItem] = []
    size = 0
    for item in items:
        if batch and (len(batch) >= most_items or size + len(item.text) > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.text) + 1
    if batch:
        yield batch


def new_item_id() -> str:
    """Return a UUIDv7: ordered by time, as the services make them (RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    drawn = int.from_bytes(os.urandom(10), "big")
    number = (milliseconds << 80) | drawn
    number = (number & ~(0xF000 << 64)) | (0x7000 << 64)
    number = (number & ~(0xC000 << 48)) | (0x8000 << 48)
    return str(uuid.UUID(int=number))
