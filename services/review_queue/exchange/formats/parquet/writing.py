"""The writing of Parquet, row group by row group."""

import io
from collections.abc import Sequence
from typing import Any

from services.review_queue.exchange.formats.columns import Columns, Kind
from services.review_queue.exchange.formats.writer import Record, Writer, to_json
from shared.contracts.projects import Project

_GROUP_ROWS = 10_000
_GROUP_BYTES = 4 * 1024 * 1024


def schema(columns: Columns) -> Any:
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


class _Sink(io.RawIOBase):
    """A file that is taken away piece by piece, and goes on counting."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, piece: Any, /) -> int:
        taken = bytes(piece)
        self._pieces.append(taken)
        self._position += len(taken)
        return len(taken)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


class ParquetWriter(Writer):
    """Writes Parquet; a row group has about 10,000 records, or 4 MiB."""

    def __init__(self, project: Project) -> None:
        from pyarrow import parquet  # noqa: PLC0415 - as above

        self._columns = Columns(project, whole_numbers=False)
        self._schema = schema(self._columns)
        self._sink = _Sink()
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
