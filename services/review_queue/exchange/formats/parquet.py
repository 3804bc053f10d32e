"""Parquet, written row group by row group.

A file that comes is decoded in a process whose memory and processor time are bounded.
"""

import io
import shutil
import tempfile
from collections.abc import Generator, Sequence
from typing import Any

from services.review_queue.exchange.formats.columns import Columns
from services.review_queue.exchange.formats.writer import Record, Writer
from services.review_queue.exchange.records import Row, UnreadableError
from shared.contracts.base import LONGEST_ROW
from shared.contracts.projects import Project
from shared.http.body import parse_json_part
from shared.parquet.reading import ParquetUnreadableError, open_parquet
from shared.parquet.writing import RowGroups
from shared.problems import Unprocessable

_READ_BYTES = 256 * 1024


def read(file: io.BufferedReader, project: Project) -> Generator[Row, None, None]:
    """Give a row for each row of the file, which is laid on disk first: its index is at its end.

    Raises `Unprocessable` (the columns do not fit the project) and `UnreadableError` (it is no
    Parquet file, or a broken one; or it decodes to far more than its size).
    """
    columns = Columns(project, whole_numbers=False)
    with tempfile.TemporaryFile() as laid:
        shutil.copyfileobj(file, laid, _READ_BYTES)
        size = laid.tell()
        laid.seek(0)
        try:
            with open_parquet(laid, size) as found:
                if faults := columns.faults(found.names, "columns"):
                    raise Unprocessable(faults)
                for number, line in enumerate(found.rows, start=1):
                    yield _row(number, line, columns)
        except ParquetUnreadableError as error:
            raise UnreadableError(str(error)) from error


def _row(number: int, line: bytes | None, columns: Columns) -> Row:
    if line is None:
        return Row(number, None, f"has more than {LONGEST_ROW} bytes")
    try:
        flat: Any = parse_json_part(line)
        if isinstance(flat, str):
            return Row(number, None, flat)
        return Row(number, columns.gather(flat), weight=len(line))
    except ValueError as error:
        return Row(number, None, str(error))


def _own_types() -> dict[str, Any]:
    """Return the Arrow types of the kinds that only these columns have."""
    import pyarrow as pa  # noqa: PLC0415 - only exports of Parquet pay for it

    verdict = pa.struct(
        [
            ("reviewer", pa.string()),
            ("label", pa.string()),
            ("skipped", pa.bool_()),
            ("comment", pa.string()),
            ("active_seconds", pa.float64()),
            ("blind", pa.bool_()),
            ("instructions_revision", pa.int32()),
            ("given_at", pa.timestamp("us", tz="UTC")),
        ]
    )
    return {
        "json": pa.string(),
        "vector": pa.list_(pa.float64()),
        "integer": pa.int32(),
        "verdicts": pa.list_(verdict),
    }


class ParquetWriter(Writer):
    """Writes Parquet; a row group has about 10,000 records, or 4 MiB."""

    def __init__(self, project: Project) -> None:
        self._columns = Columns(project, whole_numbers=False)
        self._groups = RowGroups(self._columns.kinds, _own_types())

    def records(self, records: Sequence[Record]) -> bytes:
        """Collect records; return the row group that they fill."""
        return self._groups.add([self._columns.flatten(record) for record in records])

    def end(self) -> bytes:
        """Return the last row group and the index."""
        return self._groups.end()
