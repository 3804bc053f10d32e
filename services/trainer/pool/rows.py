"""Parse the lines of an import (pure): newline-delimited JSON, or CSV with a header."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.contracts.items import FieldError, Item, check_data, check_metadata
from shared.contracts.projects import Project
from shared.csv_records import CsvReader, CsvUnreadableError, column_faults, unguard
from shared.fields.spec import FieldSpec
from shared.http.body import parse_json_part
from shared.problems import Unprocessable
from shared.problems.faults import faults_of

_FAULTS_SHOWN = 5


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
    try:
        document = parse_json_part(line)
    except ValueError as error:
        return ParsedLine(number, None, str(error))
    if not isinstance(document, dict):
        return ParsedLine(number, None, "is not a JSON object")
    return checked(number, document, project)


def checked(number: int, document: dict[str, Any], project: Project) -> ParsedLine:
    """Return an item as predict takes it, or what is wrong with it."""
    try:
        item = Item.model_validate(document)
    except ValidationError as error:
        return ParsedLine(number, None, _sentence(faults_of(error)))
    faults = check_data(item.data, project.fields)
    faults += check_metadata(item.metadata, project.metadata)
    return ParsedLine(number, None, _sentence(faults)) if faults else ParsedLine(number, item)


def _sentence(faults: Sequence[FieldError]) -> str:
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
                yield checked(record.line, _document(row, project), project)
    except CsvUnreadableError as error:
        yield ParsedLine(error.line, None, f"is not CSV, nor is what follows: {error}")


def _document(row: dict[str, str], project: Project) -> dict[str, Any]:
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
