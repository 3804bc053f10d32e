"""Rows of an uploaded table as items of a project (pure)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.items import canonical_digest

_MOST_ROWS = 2_000
_OWN_ID_CHARACTERS = 32

NumberedItem = tuple[int, dict[str, Any]]
"""An item, with the line of the file that it comes from."""


class ColumnMapping(BaseModel):
    """Which column of the table holds what; columns are named by their place, from 0."""

    model_config = ConfigDict(extra="forbid")

    item_id: int | None = None
    label: int | None = None
    fields: dict[str, int] = Field(min_length=1)
    metadata: dict[str, int] = Field(default_factory=dict)


class TableRows(BaseModel):
    """Some rows of a table; `lines` says on which line of the file each of them ends.

    `labelled` says what rows with a label are for. With `is_json` the cells are JSON values, else
    they are text.
    """

    model_config = ConfigDict(extra="forbid")

    mapping: ColumnMapping
    rows: list[list[Any]] = Field(max_length=_MOST_ROWS)
    lines: list[int] = Field(max_length=_MOST_ROWS)
    labelled: Literal["train", "gold"] = "train"
    is_json: bool = False


@dataclass
class MappedRows:
    """Items with and without a label, and gold; and the rows that are none."""

    labelled: list[NumberedItem] = field(default_factory=list)
    unlabelled: list[NumberedItem] = field(default_factory=list)
    gold: list[NumberedItem] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)


def map_rows(table: TableRows, types: Mapping[str, Mapping[str, Any]]) -> MappedRows:
    """Return the items of a table's rows; `types` are the fields of the project.

    A row without an id gets one from its content: the same row sent again is the same item.
    """
    mapped = MappedRows()
    for line, cells in zip(table.lines, table.rows, strict=False):
        try:
            item, label = _item(cells, table, types)
            orjson.dumps(item)
        except ValueError as error:
            mapped.rejected.append({"line": line, "detail": str(error)})
        except orjson.JSONEncodeError:
            mapped.rejected.append({"line": line, "detail": "has text that is no Unicode"})
        else:
            if not label:
                mapped.unlabelled.append((line, item))
            else:
                kept = mapped.gold if table.labelled == "gold" else mapped.labelled
                kept.append((line, item | {"label": label}))
    return mapped


def _item(
    cells: Sequence[Any], table: TableRows, types: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], str]:
    mapping = table.mapping
    data = {name: _cell(cells, place) for name, place in mapping.fields.items()}
    if not table.is_json:
        data = {name: _value(name, text, types.get(name, {})) for name, text in data.items()}
    metadata = {name: _text(_cell(cells, place)) for name, place in mapping.metadata.items()}
    item_id = "" if mapping.item_id is None else _text(_cell(cells, mapping.item_id)).strip()
    if not item_id:
        item_id = f"row-{canonical_digest(data)[:_OWN_ID_CHARACTERS]}"
    item: dict[str, Any] = {"item_id": item_id, "data": data}
    kept = {name: value for name, value in metadata.items() if value}
    if kept:
        item["metadata"] = kept
    label = "" if mapping.label is None else _text(_cell(cells, mapping.label)).strip()
    if not label and table.labelled == "gold":
        raise ValueError("has no label: gold is what is known")
    return item, label


def _cell(cells: Sequence[Any], place: int) -> Any:
    if not 0 <= place < len(cells):
        raise ValueError(f"the row has {len(cells)} cells: there is no column {place + 1}")
    return cells[place]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _value(name: str, cell: Any, spec: Mapping[str, Any]) -> Any:
    text, kind = _text(cell), spec.get("type", "text")
    if not text and spec.get("optional"):
        return None
    if kind == "number":
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"/data/{name}: {text[:40]!r} is not a number")
        return number
    if kind in {"json", "vector"}:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"/data/{name}: is no JSON") from error
    return text
