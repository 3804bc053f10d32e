"""Read CSV, JSON lines and Parquet row by row, in bounded memory.

A row that cannot be read is given with its fault, and spoils no other.
"""

import codecs
import csv
import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from surehand.cli.failures import UserError
from surehand.cli.text import line_of

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
# What the services take at most, of one row.
_LONGEST = 8 * 1024 * 1024
_SNIFFED = 64 * 1024
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Row:
    """One row: a value for each column, or its fault. It ends on `line` and at byte `at`."""

    line: int
    at: int
    values: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None


def format_of(path: Path, named: str | None) -> str:
    """Return csv, jsonl or parquet.

    Raises
    ------
    UserError
        The suffix is none of these, and no format was named.
    """
    found = named or FORMATS.get(path.suffix.lower())
    if found not in {"csv", "jsonl", "parquet"}:
        raise UserError(f"Is {path.name} csv, jsonl or parquet? Say it by --format.")
    return found


def read_rows(path: Path, form: str, delimiter: str | None = None) -> Generator[Row]:
    """Give the rows of a file.

    Raises
    ------
    UserError
        It is no such file, from its first row on.
    """
    readers: dict[str, Callable[[BinaryIO], Iterator[Row]]] = {
        "csv": lambda file: _csv_rows(file, delimiter),
        "jsonl": _json_rows,
        "parquet": _parquet_rows,
    }
    with path.open("rb") as file:
        yield from readers[form](file)


def _csv_rows(file: BinaryIO, delimiter: str | None) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST)
    with _text_of(file) as text:
        reader = csv.reader(text, delimiter=delimiter or _delimiter(file), strict=True)
        try:
            header = next(reader, [])
            _check_header(header)
            yield from _records(reader, header, file)
        except csv.Error as error:
            raise UserError(f"The file has no header that can be read: {error}.") from error
        except UnicodeError as error:
            raise UserError(f"The file is not text in UTF-8: {error}.") from error


def _records(reader: Any, header: list[str], file: BinaryIO) -> Iterator[Row]:
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            # An open quote has swallowed what followed: where the next row begins is unknown.
            fault = f"is not CSV, and what follows is not read: {error}"
            yield Row(reader.line_num, file.tell(), fault=fault)
            return
        if cells is None:
            return
        # Spreadsheets end with rows of empty cells.
        if any(cells):
            yield _csv_row(reader.line_num, file.tell(), header, cells)


def _text_of(file: BinaryIO) -> TextIOWrapper:
    start = file.read(2)
    file.seek(0)
    is_wide = start in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    # Bytes that are not UTF-8 become lone surrogates: their row is rejected alone.
    return TextIOWrapper(
        file, "utf-16" if is_wide else "utf-8-sig", errors="surrogateescape", newline=""
    )


def _delimiter(file: BinaryIO) -> str:
    start = file.read(_SNIFFED)
    file.seek(0)
    if start[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        header = start.decode("utf-16", "replace").splitlines()[:1]
    else:
        header = start.decode("utf-8", "replace").splitlines()[:1]
    counts = {one: header[0].count(one) for one in _DELIMITERS} if header else {}
    best = max(counts, key=lambda one: counts[one], default=",")
    return best if counts.get(best) else ","


def _check_header(header: list[str]) -> None:
    if not any(name.strip() for name in header):
        raise UserError("The file is empty: a CSV needs a header that names its columns.")
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise UserError(f"The column {line_of(doubled[0])!r} is there twice.")
    if any(not _is_unicode(name) for name in header):
        raise UserError("The header is not UTF-8: save the file as CSV in UTF-8.")


def _csv_row(line: int, at: int, header: list[str], cells: list[str]) -> Row:
    values: dict[str, Any] = dict(zip(header, cells, strict=False))
    if len(cells) != len(header):
        fault = f"has {len(cells)} cells, and the header {len(header)}"
        return Row(line, at, values, fault)
    if not all(map(_is_unicode, cells)):
        return Row(line, at, values, "is not UTF-8")
    return Row(line, at, values)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in text)


def _json_rows(file: BinaryIO) -> Iterator[Row]:
    line = at = 0
    while raw := file.readline(_LONGEST):
        line, at = line + 1, at + len(raw)
        if not raw.strip():
            continue
        if len(raw) == _LONGEST and not raw.endswith(b"\n"):
            yield Row(line, at, fault="is longer than 8 MiB, and what follows is not read")
            return
        try:
            document = json.loads(raw)
        except (ValueError, RecursionError) as error:
            yield Row(line, at, {"row": raw.decode(errors="replace")}, f"is not JSON: {error}")
            continue
        if isinstance(document, dict):
            yield Row(line, at, document)
        else:
            yield Row(line, at, {"row": document}, "is not a JSON object")


def _parquet_rows(file: BinaryIO) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - few need it
    except ModuleNotFoundError as error:
        raise UserError("Parquet needs pyarrow: pip install pyarrow.") from error
    try:
        line = 0
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=1000):
            for values in batch.to_pylist():
                line += 1
                yield Row(line, file.tell(), values)
    except (ArrowException, OSError, ValueError) as error:
        raise UserError(f"The file is not Parquet: {line_of(error)}") from error
