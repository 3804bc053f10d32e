"""The reading of a Parquet file, as a process: a file of any size may decode to any other.

``python -m shared.parquet.process PARENT_PID CPU_SECONDS COLUMNS`` reads the file on standard
input, and writes lines of JSON: first `names`, of the columns, and the number of `rows`; then for
each row an object of its values by column, without those that are null, or a string that says what
is wrong with it, or `false` where it is too long; last `null`. Where the end is missing, the exit
status says why. COLUMNS is a JSON list of those that are read, which are all of an item, or `null`.
"""

import json
import os
import sys
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from shared.child_limits import die_with_parent, limit
from shared.contracts.base import LONGEST_ROW

MEMORY_MIB = 1024
UNREADABLE, TOO_LARGE = 3, 4

_ROWS_READ = 256
_BATCH_BYTES = 1024 * 1024
_READ_BYTES = 256 * 1024
# Of these a record has none, but its fields and metadata may be called like them.
_OF_ITEM = ("data.", "metadata.")


def main(parent: int, cpu_seconds: int, columns: list[str] | None) -> int:
    """Write the rows of the file on standard input; return the exit status."""
    die_with_parent(parent)
    limit(MEMORY_MIB, cpu_seconds)
    try:
        _write_rows(columns)
    except MemoryError:
        return TOO_LARGE
    return 0


def _write_rows(columns: list[str] | None) -> None:
    import pyarrow  # noqa: PLC0415 - under the limit
    from pyarrow import parquet  # noqa: PLC0415 - as above

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    try:
        with os.fdopen(0, "rb") as file:
            opened = parquet.ParquetFile(file, pre_buffer=False, buffer_size=_READ_BYTES)
            names = opened.schema_arrow.names
            _say({"names": names, "rows": opened.metadata.num_rows})
            size = _rows_at_once(opened.metadata)
            wanted = None if columns is None else [name for name in columns if name in names]
            of_item = _OF_ITEM if columns is None else ("",)
            for batch in opened.iter_batches(size, columns=wanted, use_threads=False):
                for row in _rows(batch):
                    _say(_given(row, of_item) if isinstance(row, dict) else row)
        _say(None)
    except pyarrow.ArrowMemoryError as error:
        raise MemoryError from error
    except (pyarrow.ArrowException, OSError):
        sys.exit(UNREADABLE)


def _rows_at_once(metadata: Any) -> int:
    """Return how many rows are decoded at a time; what the file claims may be wrong."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    heaviest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=1)
    return int(min(_ROWS_READ, max(_BATCH_BYTES // max(heaviest, 1), 1)))


def _rows(batch: Any) -> Iterator[dict[str, Any] | str]:
    try:
        yield from batch.to_pylist()
    except (ValueError, OverflowError):
        if batch.num_rows > 1:
            for number in range(batch.num_rows):
                yield from _rows(batch.slice(number, 1))
        else:
            yield "has a text that is not UTF-8, or a value that is out of range"


def _given(row: dict[str, Any], of_item: tuple[str, ...]) -> dict[str, Any] | str:
    given = {name: value for name, value in row.items() if value is not None}
    for name, value in given.items():
        if name.startswith(of_item) and isinstance(value, date | time):
            return f"/{name}: is a date or a time; write it as text"
    return given


def _say(what: Any) -> None:
    try:
        text = json.dumps(what, ensure_ascii=False, separators=(",", ":"), default=_moment)
    except TypeError:
        text = json.dumps("has a value of a type that no record has")
    # In bytes: texts may take four for each of their characters.
    line = text.encode("utf-8", "surrogatepass") + b"\n"
    sys.stdout.buffer.write(line if len(line) <= LONGEST_ROW else b"false\n")


def _moment(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError
    return value.isoformat()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])))
