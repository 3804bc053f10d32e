"""Parse the rows of an import: newline-delimited JSON, CSV with a header, or Parquet."""

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from shared.contracts.base import LONGEST_ROW
from shared.contracts.items import FieldError, Item, check_data, check_metadata
from shared.contracts.projects import Project
from shared.csv_records import CsvReader, CsvUnreadableError, column_faults, unguard
from shared.fields.spec import FieldSpec
from shared.http.body import parse_json_part
from shared.parquet.reading import ParquetRows, ParquetUnreadableError, open_parquet
from shared.problems import Unprocessable
from shared.problems.faults import faults_of

_FAULTS_SHOWN = 5
_READ_AS_THEY_ARE = frozenset({"text", "number", "flag"})


@dataclass(frozen=True)
class ParsedLine:
    """One line: an item, or its fault; `size` in bytes where its file is compressed."""

    line: int
    item: Item | None
    fault: str | None = None
    size: int = 0


def parse_ndjson(body: bytes, project: Project) -> Iterator[ParsedLine]:
    """Give one parsed line for each line that is not blank."""
    for number, line in enumerate(io.BytesIO(body), start=1):
        if line.strip():
            yield _from_json(number, line, project)


def _from_json(number: int, line: bytes, project: Project) -> ParsedLine:
    document = object_of(line)
    if isinstance(document, str):
        return ParsedLine(number, None, document)
    return _checked(number, document, project)


def object_of(line: bytes) -> dict[str, Any] | str:
    """Return the JSON object on a line, or what is wrong with it."""
    try:
        document = parse_json_part(line)
    except ValueError as error:
        return str(error)
    return document if isinstance(document, dict) else "is not a JSON object"


def _checked(number: int, document: dict[str, Any], project: Project) -> ParsedLine:
    """Return an item as predict takes it, or what is wrong with it."""
    try:
        item = Item.model_validate(document)
    except ValidationError as error:
        return ParsedLine(number, None, sentence_of(faults_of(error)))
    faults = check_data(item.data, project.fields)
    faults += check_metadata(item.metadata, project.metadata)
    return ParsedLine(number, None, sentence_of(faults)) if faults else ParsedLine(number, item)


def sentence_of(faults: Sequence[FieldError]) -> str:
    """Return the first faults in one sentence, each with its pointer."""
    return "; ".join(f"{pointer}: {fault}" for pointer, fault in faults[:_FAULTS_SHOWN])


def parse_csv(body: bytes, project: Project) -> Iterator[ParsedLine]:
    """Give one parsed line for each record after the header.

    Columns are `item_id` (optional), the project's fields (all of them) and its metadata keys.
    Numbers are read for number fields, JSON for vector and json fields; the apostrophe of a cell
    that an export has guarded against formulas is taken off. `line` is that of the
    record's last line.

    Raises `Unprocessable`: no UTF-8, no header, or a header that does not fit the project.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unprocessable([("", "is not UTF-8")]) from error
    try:
        reader = CsvReader(io.StringIO(text, newline=""))
    except CsvUnreadableError as error:
        raise Unprocessable([("/header", f"cannot be read: {error}")]) from error
    known = {"item_id", *project.fields, *project.metadata}
    if faults := column_faults(reader.header, known, project.fields, "header"):
        raise Unprocessable(faults)
    yield from _records(reader, project)


def _records(reader: CsvReader, project: Project) -> Iterator[ParsedLine]:
    try:
        for record in reader:
            if record.fault is not None:
                yield ParsedLine(record.line, None, record.fault)
            else:
                row = dict(zip(reader.header, record.cells, strict=True))
                yield _checked(record.line, _csv_document(row, project), project)
    except CsvUnreadableError as error:
        fault = f"is not CSV; the rest of the file was not read: {error}"
        yield ParsedLine(error.line, None, fault)


def _csv_document(row: dict[str, str], project: Project) -> dict[str, Any]:
    document: dict[str, Any] = {
        "data": {name: cell_value(row[name], field) for name, field in project.fields.items()},
        "metadata": {name: unguard(row[name]) for name in project.metadata if row.get(name)},
    }
    if row.get("item_id"):
        document["item_id"] = unguard(row["item_id"])
    return document


def cell_value(cell: str, field: FieldSpec) -> Any:
    """Read a cell; one that cannot be read stays text, and the field's check names the fault."""
    if not cell and field.optional:
        return None
    try:
        match field.column:
            case "text":
                return unguard(cell)
            case "number":
                return float(cell)
            case "flag":
                return {"true": True, "false": False}.get(cell.lower(), cell)
            case _:
                return parse_json_part(cell)
    except ValueError:
        return cell


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
                yield from _parquet_lines(found, project)
        except ParquetUnreadableError as error:
            raise Unprocessable([("", str(error))]) from error


def _parquet_lines(found: ParquetRows, project: Project) -> Iterator[ParsedLine]:
    number = 0
    try:
        for number, row in enumerate(found.rows, start=1):
            values = values_of(row)
            if isinstance(values, str):
                yield ParsedLine(number, None, values)
            else:
                parsed = _checked(number, _parquet_document(values, project), project)
                yield replace(parsed, size=len(row or b""))
    except ParquetUnreadableError as error:
        if not number:
            raise
        yield ParsedLine(number + 1, None, f"cannot be read, nor can what follows: {error}")


def _parquet_document(values: Mapping[str, Any], project: Project) -> dict[str, Any]:
    metadata = {name: text_of(values[name]) for name in project.metadata if name in values}
    document = {"data": data_of(values, project), "metadata": metadata}
    if "item_id" in values:
        document["item_id"] = text_of(values["item_id"])
    return document
