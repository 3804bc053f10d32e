"""Parquet, written row group by row group.

A file that comes is decoded in a process whose memory and processor time are bounded.
"""

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import services
from services.review_queue.exchange.formats.columns import Columns, Kind
from services.review_queue.exchange.formats.jsonl import LINE_BYTES, lines
from services.review_queue.exchange.formats.writer import Record, Writer, to_json
from services.review_queue.exchange.parquet_process import MEMORY_MIB, TOO_LARGE
from services.review_queue.exchange.records import Row, UnreadableError
from shared.contracts.projects import Project
from shared.http.body import parse_json_part
from shared.problems import Unprocessable

_PROCESS = "services.review_queue.exchange.parquet_process"
_READ_BYTES = 256 * 1024
# The process gets nothing of our environment. Arrow's own allocators reserve more than they need.
_ENVIRONMENT = {
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
    "PYTHONUTF8": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
}
_ROOT = Path(services.__path__[0]).parent
# Rows that say the same again and again take hardly any room in a file: this is the most that a
# file may become, in bytes of JSON lines, by its own size.
_GROWTH = 1000
_LEAST_DECODED_BYTES = 8 * 1024 * 1024
_BYTES_OF_ANY_ROW = 256
# Far more than the reading of an honest file takes.
_LEAST_CPU_SECONDS = 60
_FILE_BYTES_A_CPU_SECOND = 100_000
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
        with _process(laid, size) as process:
            yield from _rows(process, columns, size)


@contextlib.contextmanager
def _process(laid: IO[bytes], size: int) -> Iterator[subprocess.Popen[bytes]]:
    cpu_seconds = _LEAST_CPU_SECONDS + size // _FILE_BYTES_A_CPU_SECOND
    process = subprocess.Popen(  # noqa: S603 - a module of ours
        [sys.executable, "-m", _PROCESS, str(os.getpid()), str(cpu_seconds)],
        cwd=_ROOT,
        env=_ENVIRONMENT,
        stdin=laid,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _rows(
    process: subprocess.Popen[bytes], columns: Columns, size: int
) -> Generator[Row, None, None]:
    assert isinstance(process.stdout, io.BufferedReader)
    left = _LEAST_DECODED_BYTES + _GROWTH * size
    for number, line in lines(process.stdout):
        left -= _BYTES_OF_ANY_ROW + (LINE_BYTES if line is None else len(line))
        if left < 0:
            raise UnreadableError(
                f"Its rows are more than {_GROWTH} times as large as the file: it repeats itself."
                " Send it as JSON lines."
            )
        if number == 1:
            names = [] if line is None else parse_json_part(line)
            if faults := columns.faults(names, "columns"):
                raise Unprocessable(faults)
        elif line == b"null\n":
            return
        else:
            yield _row(number - 1, line, columns)
    raise UnreadableError(_cause(process.wait()))


def _cause(status: int) -> str:
    if status == TOO_LARGE or status < 0:
        return (
            f"It takes more than {MEMORY_MIB} MiB of memory, or too long, to decode: write smaller"
            " row groups, or send it as JSON lines."
        )
    return "The file is no Parquet that can be read."


def _row(number: int, line: bytes | None, columns: Columns) -> Row:
    if line is None:
        return Row(number, None, f"has more than {LINE_BYTES} bytes")
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
        self._schema = _schema(self._columns)
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
