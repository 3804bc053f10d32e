"""Rows of a Parquet file, as items of a project: columns have the names of its fields."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from services.trainer.pool.rows import ParsedLine, cell_value, checked
from shared.contracts.base import LONGEST_ROW
from shared.contracts.projects import Project
from shared.csv_records import column_faults
from shared.fields.spec import FieldSpec
from shared.http.body import parse_json_part
from shared.parquet.reading import ParquetRows, ParquetUnreadableError, open_parquet
from shared.problems import Unprocessable

_READ_AS_THEY_ARE = frozenset({"text", "number", "flag"})


def values_of(row: bytes | None) -> dict[str, Any] | str:
    """Return the values of a row by column, or what is wrong with it."""
    if row is None:
        return f"has more than {LONGEST_ROW} bytes"
    try:
        values: dict[str, Any] | str = parse_json_part(row)
    except ValueError as error:
        return str(error)
    return values


def data_of(values: Mapping[str, Any], project: Project) -> dict[str, Any]:
    """Return the `data` of a row; texts in columns of vectors and of JSON are read as JSON."""
    return {
        name: _value(values[name], field)
        for name, field in project.fields.items()
        if name in values
    }


def text_of(value: Any) -> Any:
    """Return a whole number as text: ids and metadata often are numbers elsewhere."""
    return str(value) if type(value) is int else value


def _value(value: Any, field: FieldSpec) -> Any:
    is_text = isinstance(value, str) and field.column not in _READ_AS_THEY_ARE
    return cell_value(value, field) if is_text else value


def parse_parquet(body: bytes, project: Project) -> Iterator[ParsedLine]:
    """Give one parsed line for each row; `line` is its number, from 1.

    Columns are `item_id` (optional), the project's fields and its metadata keys. It waits for the
    process that decodes the file: call it in a thread.

    Raises `Unprocessable`: it is no Parquet file, or its columns do not fit the project.
    """
    with tempfile.TemporaryFile() as laid:
        laid.write(body)
        laid.seek(0)
        known = {"item_id", *project.fields, *project.metadata}
        try:
            with open_parquet(laid, len(body), known) as found:
                required = [name for name, field in project.fields.items() if not field.optional]
                if faults := column_faults(found.names, known, required, "columns"):
                    raise Unprocessable(faults)
                yield from _parsed(found, project)
        except ParquetUnreadableError as error:
            raise Unprocessable([("", str(error))]) from error


def _parsed(found: ParquetRows, project: Project) -> Iterator[ParsedLine]:
    number = 0
    try:
        for number, row in enumerate(found.rows, start=1):
            values = values_of(row)
            if isinstance(values, str):
                yield ParsedLine(number, None, values)
            else:
                parsed = checked(number, _document(values, project), project)
                yield replace(parsed, size=len(row or b""))
    except ParquetUnreadableError as error:
        if not number:
            raise
        yield ParsedLine(number + 1, None, f"cannot be read, nor can what follows: {error}")


def _document(values: Mapping[str, Any], project: Project) -> dict[str, Any]:
    metadata = {name: text_of(values[name]) for name in project.metadata if name in values}
    document = {"data": data_of(values, project), "metadata": metadata}
    if "item_id" in values:
        document["item_id"] = text_of(values["item_id"])
    return document
