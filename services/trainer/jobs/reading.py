"""Rows of a file that is to be scored, one at a time and bounded.

Files often have more than an item's fields: columns and members that the project does not have are
ignored.
"""

import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from services.trainer.pool.rows import (
    cell_value,
    data_of,
    object_of,
    sentence_of,
    text_of,
    values_of,
)
from shared.contracts.base import LONGEST_ROW, REJECTED_DETAIL_CHARACTERS, ItemId
from shared.contracts.items import check_data
from shared.contracts.projects import Project
from shared.csv_records import MAX_COLUMNS, CsvReader, CsvUnreadableError, unguard
from shared.parquet.reading import ParquetUnreadableError, open_parquet
from shared.store import StoredFile

_ITEM_ID: TypeAdapter[str] = TypeAdapter(ItemId)
_FAULTS_SHOWN = 5
_BUFFER_BYTES = 256 * 1024


class UnreadableFile(Exception):  # noqa: N818 - says what is found
    """The file as a whole cannot be scored; the message is a sentence for its sender."""


class FileRow(NamedTuple):
    """One row of a file that ends on `line`: an item's id, if it has one, and its `data`.

    `fault` says why it is no item of the project.
    """

    line: int
    item_id: str | None
    data: dict[str, Any]
    fault: str | None = None


@dataclass
class OpenedFile:
    """A file of `size` bytes that is being read.

    Of a Parquet file, which is laid on disk as a whole, `decoded` bytes of rows have been given,
    and the `share` of its rows.
    """

    file: StoredFile
    size: int
    decoded: int = 0
    share: float | None = None

    @property
    def position(self) -> int:
        """How many bytes were read and decoded."""
        return self.file.position + self.decoded

    @property
    def done(self) -> int:
        """How many bytes of the file are behind the last row."""
        return self.file.position if self.share is None else int(self.share * self.size)


def read_rows(opened: OpenedFile, form: str, project: Project, folder: Path) -> Iterator[FileRow]:
    """Give the rows of a file in format `form`: ``csv``, ``jsonl`` or ``parquet``.

    A Parquet file is laid into `folder` first: its index is at its end.

    Raises `UnreadableFile`: it is no such file from some line on, or lacks a column.
    """
    raw: Any = io.BufferedReader(opened.file, _BUFFER_BYTES)
    if form != "parquet":
        return _csv_rows(raw, project) if form == "csv" else _json_rows(raw, project)
    folder.mkdir(parents=True, exist_ok=True)
    laid = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by the rows' end
    shutil.copyfileobj(raw, laid, _BUFFER_BYTES)
    laid.seek(0)
    return _parquet_rows(opened, laid, project)


def _parquet_rows(opened: OpenedFile, laid: IO[bytes], project: Project) -> Iterator[FileRow]:
    columns = {"item_id", *project.fields}
    try:
        with laid, open_parquet(laid, opened.size, columns) as found:
            _places(found.names, project)
            for number, row in enumerate(found.rows, start=1):
                opened.decoded += len(row or b"")
                opened.share = number / max(number, found.count)
                yield _parquet_row(number, values_of(row), project)
    except ParquetUnreadableError as error:
        raise UnreadableFile(str(error)) from error


def _parquet_row(number: int, values: dict[str, Any] | str, project: Project) -> FileRow:
    if isinstance(values, str):
        return _rejected(number, None, values)
    return _checked(number, text_of(values.get("item_id")), data_of(values, project), project)


def _json_rows(file: IO[bytes], project: Project) -> Iterator[FileRow]:
    number = 0
    while line := file.readline(LONGEST_ROW + 1):
        number += 1
        if len(line) > LONGEST_ROW:
            raise UnreadableFile(f"Line {number} has more than {LONGEST_ROW} bytes.")
        if line.strip():
            yield _json_row(number, line, project)


def _json_row(number: int, line: bytes, project: Project) -> FileRow:
    document = object_of(line)
    if isinstance(document, str):
        return _rejected(number, None, document)
    data = document.get("data")
    if not isinstance(data, dict) or "data" in project.fields:
        data = {name: document[name] for name in project.fields if name in document}
    return _checked(number, document.get("item_id"), data, project)


def _csv_rows(file: IO[bytes], project: Project) -> Iterator[FileRow]:
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    try:
        reader = CsvReader(text)
        places = _places(reader.header, project)
        for record in reader:
            if record.fault is not None:
                yield _rejected(record.line, None, record.fault)
                continue
            data = {
                name: cell_value(record.cells[places[name]], field)
                for name, field in project.fields.items()
                if name in places
            }
            own = unguard(record.cells[places["item_id"]]) if "item_id" in places else None
            yield _checked(record.line, own or None, data, project)
    except CsvUnreadableError as error:
        raise UnreadableFile(f"The file is not CSV from line {error.line} on: {error}.") from error


def _places(header: list[str], project: Project) -> Mapping[str, int]:
    if len(header) > MAX_COLUMNS:
        raise UnreadableFile(f"The file has {len(header)} columns; the most is {MAX_COLUMNS}.")
    missing = [
        name for name, field in project.fields.items() if name not in header and not field.optional
    ]
    if missing:
        named = ", ".join(missing[:_FAULTS_SHOWN])
        raise UnreadableFile(f"The file has no column for these fields of the project: {named}.")
    return {name: place for place, name in enumerate(header)}


def _checked(line: int, item_id: Any, data: dict[str, Any], project: Project) -> FileRow:
    if item_id is not None:
        try:
            item_id = _ITEM_ID.validate_python(item_id, strict=True)
        except ValidationError:
            return _rejected(line, None, "/item_id: is no item id")
    if faults := check_data(data, project.fields):
        return _rejected(line, item_id, sentence_of(faults))
    return FileRow(line, item_id, data)


def _rejected(line: int, item_id: str | None, fault: str) -> FileRow:
    return FileRow(line, item_id, {}, fault[:REJECTED_DETAIL_CHARACTERS])
