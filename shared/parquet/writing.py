"""Parquet that is given out piece by piece."""

import io
from collections.abc import Mapping, Sequence
from typing import Any


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
    types : Arrow's names of the columns' types, by column
    """

    def __init__(self, types: Mapping[str, str]) -> None:
        import pyarrow  # noqa: PLC0415 - an extra, and those who need none do not pay for it
        from pyarrow import parquet  # noqa: PLC0415 - as above

        fields = [(name, pyarrow.type_for_alias(kind)) for name, kind in types.items()]
        self._schema, self._sink = pyarrow.schema(fields), Sink()
        self._writer = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")

    def group(self, rows: Sequence[Mapping[str, Any]]) -> bytes:
        """Write rows, values by column."""
        import pyarrow  # noqa: PLC0415 - as above

        if rows:
            self._writer.write_table(pyarrow.Table.from_pylist(list(rows), self._schema))
        return self._sink.take()

    def end(self) -> bytes:
        """Write the index."""
        self._writer.close()
        return self._sink.take()
