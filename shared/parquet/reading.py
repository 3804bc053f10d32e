"""Read a Parquet file in a process whose memory and processor time are bounded.

A file of a few bytes may decode to any size: what comes out is bounded by the file's own size.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import shared
from shared.contracts.base import LONGEST_ROW
from shared.parquet import NOT_INSTALLED, is_installed
from shared.parquet.process import MEMORY_MIB, TOO_LARGE

_PROCESS = "shared.parquet.process"
# The process gets nothing of our environment. Arrow's own allocators reserve more than they need.
_ENVIRONMENT = {
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
    "PYTHONUTF8": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
}
_ROOT = Path(shared.__path__[0]).parent
# Rows that say the same again and again take hardly any room in a file: this is the most that a
# file may become, in bytes of JSON lines, by its own size.
_GROWTH = 1000
_LEAST_DECODED_BYTES = 8 * 1024 * 1024
_BYTES_OF_ANY_ROW = 256
# Far more than the reading of an honest file takes.
_LEAST_CPU_SECONDS = 60
_FILE_BYTES_A_CPU_SECOND = 100_000
_LONG, _END = b"false\n", b"null\n"


class ParquetUnreadableError(ValueError):
    """It is no Parquet, a broken one, or takes too much to read; the message is a sentence."""


@dataclass(frozen=True)
class ParquetRows:
    """The `names` of a file's columns, how many rows it claims, and these rows, one at a time.

    A row is the JSON of an object of its values, without those that are null, or of a string that
    says what is wrong with it; None stands for a row of more than `LONGEST_ROW` bytes.

    Reading raises `ParquetUnreadableError`.
    """

    names: list[str]
    count: int
    rows: Iterator[bytes | None]


@contextlib.contextmanager
def open_parquet(
    file: IO[bytes], size: int, columns: Collection[str] | None = None
) -> Iterator[ParquetRows]:
    """Give the rows of a file on disk of `size` bytes; with `columns`, those of its columns alone.

    With `columns` these are an item's values: none may be a date or a time.
    """
    if not is_installed():
        raise ParquetUnreadableError(f"{NOT_INSTALLED}.")
    cpu_seconds = _LEAST_CPU_SECONDS + size // _FILE_BYTES_A_CPU_SECOND
    wanted = json.dumps(None if columns is None else sorted(columns))
    process = subprocess.Popen(  # noqa: S603 - a module of ours
        [sys.executable, "-m", _PROCESS, str(os.getpid()), str(cpu_seconds), wanted],
        cwd=_ROOT,
        env=_ENVIRONMENT,
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        lines = _lines(process, size)
        head = json.loads(next(lines) or b"{}")
        if not isinstance(head, dict) or "names" not in head:
            raise ParquetUnreadableError("The names of its columns are too long.")
        yield ParquetRows(head["names"], head["rows"], lines)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _lines(process: subprocess.Popen[bytes], size: int) -> Iterator[bytes | None]:
    assert process.stdout is not None
    left = _LEAST_DECODED_BYTES + _GROWTH * size
    # The process says nothing longer than this, and its end of line.
    while line := process.stdout.readline(LONGEST_ROW + 1):
        if line == _END:
            return
        is_long = line == _LONG or not line.endswith(b"\n")
        left -= _BYTES_OF_ANY_ROW + (LONGEST_ROW if is_long else len(line))
        if left < 0:
            raise ParquetUnreadableError(
                f"Its rows are more than {_GROWTH} times as large as the file: it repeats itself."
                " Send it as JSON lines."
            )
        yield None if is_long else line
    raise ParquetUnreadableError(_cause(process.wait()))


def _cause(status: int) -> str:
    if status == TOO_LARGE or status < 0:
        return (
            f"It takes more than {MEMORY_MIB} MiB of memory, or too long, to decode: write smaller"
            " row groups, or send it as JSON lines."
        )
    return "The file is no Parquet that can be read."
