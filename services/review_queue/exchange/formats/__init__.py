"""The formats of imports and exports. A new one is a module here and an entry in `FORMATS`."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, Literal

from services.review_queue.exchange.formats import csv_table, jsonl, label_studio, parquet
from services.review_queue.exchange.formats.writer import Writer
from services.review_queue.exchange.records import Row
from shared.contracts.projects import Project

Format = Literal["jsonl", "csv", "parquet", "label-studio"]


@dataclass(frozen=True)
class FileFormat:
    """How a file of this format is named, read and written; `schema` is its JSON schema."""

    media_type: str
    suffix: str
    read: Callable[[BufferedReader, Project], Generator[Row, None, None]]
    write: Callable[[Project], Writer]
    schema: dict[str, Any]


_TEXT = {"type": "string"}
_LIST = {"type": "array", "items": {"type": "object"}}
_PARQUET = "application/vnd.apache.parquet"
FORMATS: dict[Format, FileFormat] = {
    "jsonl": FileFormat("application/x-ndjson", "jsonl", jsonl.read, jsonl.JsonlWriter, _TEXT),
    "csv": FileFormat("text/csv", "csv", csv_table.read, csv_table.CsvWriter, _TEXT),
    "parquet": FileFormat(_PARQUET, "parquet", parquet.read, parquet.ParquetWriter, _TEXT),
    "label-studio": FileFormat(
        "application/json",
        "label-studio.json",
        label_studio.read,
        label_studio.LabelStudioWriter,
        _LIST,
    ),
}
