"""Parquet, written row group by row group.

A file that comes is decoded in a process whose memory and processor time are bounded.
"""

import io
import shutil
import tempfile
from collections.abc import Generator, Sequence
from typing import Any

from services.review_queue.exchange.formats.columns import Columns, Kind
from services.review_queue.exchange.formats.writer import Record, Writer, to_json
from services.review_queue.exchange.records import Row, UnreadableError
from shared.contracts.base import LONGEST_ROW
from shared.contracts.projects import Project
from shared.http.body import parse_json_part
from shared.parquet.reading import ParquetUnreadableError, open_parquet
from shared.parquet.writing import Sink
from shared.problems import Unprocessable

_READ_BYTES = 256 * 1024
_GROUP_ROWS = 10_000
_GROUP_BYTES = 4 * 1024 * 1024


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


def _schema(columns: Columns) -> Any:
    """Return the Arrow schema of the columns."""
    import pyarrow as pa  # noqa: PLC0415 - only exports of Parquet pay for it

    moment = pa.timestamp("us", tz="UTC")
    verdict = pa.struct(
        [
            ("reviewer", pa.string()),
            ("label", pa.string()),
            ("skipped", pa.bool_()),
            ("comment", pa.string()),
            ("active_seconds", pa.float64()),
            ("blind", pa.bool_()),
            ("instructions_revision", pa.int32()),
            ("given_at", moment),
        ]
    )
    types: dict[Kind, Any] = {
        "text": pa.string(),
        "json": pa.string(),
        "number": pa.float64(),
        "vector": pa.list_(pa.float64()),
        "integer": pa.int32(),
        "flag": pa.bool_(),
        "moment": moment,
        "verdicts": pa.list_(verdict),
    }
    return pa.schema([(name, types[kind]) for name, kind in columns.kinds.items()])


class ParquetWriter(Writer):
    """Writes Parquet; a row group has about 10,000 records, or 4 MiB."""

    def __init__(self, project: Project) -> None:
        from pyarrow import parquet  # noqa: PLC0415 - as above

        self._columns = Columns(project, whole_numbers=False)
        self._schema = _schema(self._columns)
        self._sink = Sink()
        self._writer = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._collected: list[dict[str, Any]] = []
        self._bytes = 0

    def begin(self) -> bytes:
        """Return the file's first bytes."""
        return self._sink.take()

    def records(self, records: Sequence[Record]) -> bytes:
        """Collect records; return the row group that they fill."""
        for record in records:
            self._collected.append(self._columns.flatten(record))
            self._bytes += len(to_json(record["data"]))
        if len(self._collected) >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._write_group()
        return self._sink.take()

    def end(self) -> bytes:
        """Return the last row group and the index."""
        self._write_group()
        self._writer.close()
        return self._sink.take()

    def _write_group(self) -> None:
        import pyarrow as pa  # noqa: PLC0415 - as above

        if self._collected:
            self._writer.write_table(pa.Table.from_pylist(self._collected, self._schema))
        self._collected, self._bytes = [], 0
