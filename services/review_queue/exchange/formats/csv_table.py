"""CSV with a header (RFC 4180), safe to open in a spreadsheet."""

import contextlib
import csv
import io
from collections.abc import Generator, Sequence
from typing import Any

import orjson

from services.review_queue.exchange.formats.columns import Columns, Kind, json_text
from services.review_queue.exchange.formats.writer import Record, Writer
from services.review_queue.exchange.records import Row, UnreadableError
from shared.contracts.projects import Project
from shared.csv_records import CsvReader, CsvRecord, CsvUnreadableError, guard, unguard
from shared.http.body import parse_json_part
from shared.problems import Unprocessable

# Metadata that is an empty text, and not missing.
_EMPTY = "'"
# UTF-16's byte order marks, as they are read here: a spreadsheet's "Unicode text" has one.
_UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")


def read(file: io.BufferedReader, project: Project) -> Generator[Row, None, None]:
    """Give a row for each record after the header.

    Raises `Unprocessable` (the header does not fit the project) and `UnreadableError` (the header
    is not CSV in UTF-8, or a quote is never closed).
    """
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    columns = Columns(project, whole_numbers=True)
    try:
        reader = CsvReader(text)
        _check_header(reader.header, columns)
        for record in reader:
            yield _row(record, reader.header, columns)
    except CsvUnreadableError as error:
        raise UnreadableError(f"From line {error.line} on it cannot be read: {error}.") from error


def _check_header(header: Sequence[str], columns: Columns) -> None:
    if header and header[0].startswith(_UTF_16):
        raise UnreadableError("It is UTF-16: save it as CSV in UTF-8.")
    try:
        "".join(header).encode()
    except UnicodeEncodeError as error:
        raise UnreadableError("The header is not UTF-8: save it as CSV in UTF-8.") from error
    if faults := columns.faults(header, "header"):
        raise Unprocessable(faults)


def _row(record: CsvRecord, header: Sequence[str], columns: Columns) -> Row:
    if record.fault is not None:
        return Row(record.line, None, record.fault)
    try:
        given = zip(header, record.cells, strict=True)
        flat = {name: _value(name, cell, columns.kinds[name]) for name, cell in given}
        return Row(record.line, columns.gather(flat))
    except ValueError as error:
        return Row(record.line, None, str(error))


def _value(name: str, cell: str, kind: Kind) -> Any:
    """Read a cell; what cannot be read stays text, and the check of the record names the fault."""
    if cell == "":
        return cell if kind == "text" and name.startswith("data.") else None
    match kind:
        case "text":
            return "" if cell == _EMPTY and name.startswith("metadata.") else unguard(cell)
        case "json":
            return unguard(cell)
        case "vector" | "verdicts":
            return parse_json_part(cell, f"/{name}")
        case "flag":
            # Spreadsheets write TRUE.
            return {"true": True, "false": False}.get(cell.lower(), cell)
        case "number":
            return _number(cell)
        case "integer" if cell.isascii() and cell.isdigit():
            return int(cell)
        case _:
            return cell


def _number(cell: str) -> Any:
    for read_number in (orjson.loads, float):
        with contextlib.suppress(ValueError):
            return read_number(cell)
    return cell


def _cell(name: str, value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    match kind:
        case "text":
            return _EMPTY if value == "" and name.startswith("metadata.") else guard(value)
        case "json":
            return guard(value)
        case "moment":
            return json_text(value).strip('"')
        case _:
            return json_text(value)


class CsvWriter(Writer):
    """Writes CSV."""

    def __init__(self, project: Project) -> None:
        self._columns = Columns(project, whole_numbers=True)

    def begin(self) -> bytes:
        """Return the header."""
        return _csv([list(self._columns.kinds)])

    def records(self, records: Sequence[Record]) -> bytes:
        """Return a row a record."""
        kinds = self._columns.kinds.items()
        flat = map(self._columns.flatten, records)
        return _csv([[_cell(name, row[name], kind) for name, kind in kinds] for row in flat])


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
