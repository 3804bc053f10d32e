"""Parquet that is given out piece by piece."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Kind = Literal["text", "number", "numbers", "integer", "flag", "moment"]
_GROUP_ROWS = 10_000
_GROUP_BYTES = 4 * 1024 * 1024


class Sink(io.RawIOBase):
    """A file whose bytes are taken away piece by piece; its position counts all of them."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._position

    def write(self, piece: Any, /) -> int:
        """Keep a copy of some bytes."""
        taken = bytes(piece)
        self._pieces.append(taken)
        self._position += len(taken)
        return len(taken)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


class RowGroups:
    """Writes a file row group by row group; the bytes so far are returned each time.

    Parameters
    ----------
    kinds : what each column has, by its name: a `Kind`, or one of `own`
    own : Arrow types of further kinds, by their names
    """

    def __init__(self, kinds: Mapping[str, str], own: Mapping[str, Any] | None = None) -> None:
        import pyarrow  # noqa: PLC0415 - an extra, and those who need none do not pay for it
        from pyarrow import parquet  # noqa: PLC0415 - as above

        types = {
            "text": pyarrow.string(),
            "number": pyarrow.float64(),
            "numbers": pyarrow.list_(pyarrow.float64()),
            "integer": pyarrow.int64(),
            "flag": pyarrow.bool_(),
            "moment": pyarrow.timestamp("us", tz="UTC"),
            **(own or {}),
        }
        self._schema = pyarrow.schema([(name, types[kind]) for name, kind in kinds.items()])
        self._sink = Sink()
        self._writer = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._waiting: list[Any] = []

    def add(self, rows: Sequence[Mapping[str, Any]]) -> bytes:
        """Take rows, values by column; a group of them is written when it is large enough."""
        import pyarrow  # noqa: PLC0415 - as above

        self._waiting.append(pyarrow.Table.from_pylist(list(rows), self._schema))
        count, size = (
            sum(getattr(one, what) for one in self._waiting) for what in ("num_rows", "nbytes")
        )
        if count >= _GROUP_ROWS or size >= _GROUP_BYTES:
            self._write()
        return self._sink.take()

    def end(self) -> bytes:
        """Write what is left, and the index."""
        self._write()
        self._writer.close()
        return self._sink.take()

    def _write(self) -> None:
        import pyarrow  # noqa: PLC0415 - as above

        if self._waiting:
            self._writer.write_table(pyarrow.concat_tables(self._waiting).combine_chunks())
        self._waiting.clear()
