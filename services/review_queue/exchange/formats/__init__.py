"""How records are written in each format, and read from it (pure: files in, rows out)."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from io import BufferedReader

from services.review_queue.exchange.formats import (
    jsonl,
    label_studio,
    parquet,
    parquet_rows,
    table,
)
from services.review_queue.exchange.formats.writing import Writer
from services.review_queue.exchange.records import Format, Row
from shared.contracts.projects import Project


@dataclass(frozen=True)
class FormatKind:
    """A format: how it travels, and who reads and writes it."""

    media_type: str
    suffix: str
    read: Callable[[BufferedReader, Project], Generator[Row, None, None]]
    write: Callable[[Project], Writer]


FORMATS: dict[Format, FormatKind] = {
    "jsonl": FormatKind("application/x-ndjson", "jsonl", jsonl.read, jsonl.JsonlWriter),
    "csv": FormatKind("text/csv", "csv", table.read, table.CsvWriter),
    "parquet": FormatKind(
        "application/vnd.apache.parquet", "parquet", parquet_rows.read, parquet.ParquetWriter
    ),
    "label-studio": FormatKind(
        "application/json",
        "label-studio.json",
        label_studio.read,
        label_studio.LabelStudioWriter,
    ),
}
