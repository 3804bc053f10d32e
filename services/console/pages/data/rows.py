"""Rows of an uploaded table as items of a project (pure)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

_MOST_COLUMNS, _MOST_ROWS = 1_000, 2_000
_OWN_ID_CHARACTERS = 32


class ColumnMapping(BaseModel):
    """Which column of the table holds what; columns are named by their place, from 0."""

    model_config = ConfigDict(extra="forbid")

    item_id: int | None = None
    label: int | None = None
    fields: dict[str, int] = Field(min_length=1)
    metadata: dict[str, int] = Field(default_factory=dict)


class TableRows(BaseModel):
    """Some rows of a table; `lines` says on which line of the file each of them ends."""

    model_config = ConfigDict(extra="forbid")

    mapping: ColumnMapping
    rows: list[list[str]] = Field(max_length=_MOST_ROWS)
    lines: list[int] = Field(max_length=_MOST_ROWS)


@dataclass
class MappedRows:
    """Items with and without a label, each with its line; and the rows that are none."""

    labelled: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    unlabelled: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)


def map_rows(table: TableRows, types: Mapping[str, Mapping[str, Any]]) -> MappedRows:
    """Return the items of a table's rows; `types` are the fields of the project.

    A row without an id gets one from its content: the same row sent again is the same item.
    """
    mapped = MappedRows()
    for line, cells in zip(table.lines, table.rows, strict=False):
        try:
            item, label = _item(cells, table.mapping, types)
        except ValueError as error:
            mapped.rejected.append({"line": line, "detail": str(error)})
            continue
        if label:
            mapped.labelled.append((line, item | {"label": label}))
        else:
            mapped.unlabelled.append((line, item))
    return mapped


def _item(
    cells: Sequence[str], mapping: ColumnMapping, types: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], str]:
    data = {
        name: _value(name, _cell(cells, place), types.get(name, {}))
        for name, place in mapping.fields.items()
    }
    metadata = {name: _cell(cells, place) for name, place in mapping.metadata.items()}
    item_id = "" if mapping.item_id is None else _cell(cells, mapping.item_id).strip()
    if not item_id:
        content = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        item_id = f"row-{hashlib.sha256(content).hexdigest()[:_OWN_ID_CHARACTERS]}"
    item: dict[str, Any] = {"item_id": item_id, "data": data}
    kept = {name: value for name, value in metadata.items() if value}
    if kept:
        item["metadata"] = kept
    return item, "" if mapping.label is None else _cell(cells, mapping.label).strip()


def _cell(cells: Sequence[str], place: int) -> str:
    if not 0 <= place < len(cells):
        raise ValueError(f"the row has {len(cells)} cells: there is no column {place + 1}")
    return cells[place]


def _value(name: str, text: str, spec: Mapping[str, Any]) -> Any:
    kind = spec.get("type", "text")
    if kind == "number":
        try:
            return float(text)
        except ValueError as error:
            raise ValueError(f"/data/{name}: {text[:40]!r} is no number") from error
    if kind in {"json", "vector"}:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"/data/{name}: is no JSON") from error
    return text
