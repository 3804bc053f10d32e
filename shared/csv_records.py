"""Records of a CSV file with a header (RFC 4180), one at a time and bounded (pure)."""

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOBase
from typing import Self

from shared.contracts.base import LONGEST_ROW, is_unicode
from shared.contracts.items import FieldError, escape_pointer

# A project has at most 100 fields and 100 metadata keys, with names of at most 63 characters.
MAX_COLUMNS = 1000
MAX_HEADER_CHARACTERS = 64 * 1024
MAX_RECORD_CHARACTERS = LONGEST_ROW

# For the whole process. A record is bounded here, and a cell is no longer than its record.
csv.field_size_limit(MAX_RECORD_CHARACTERS)


# A spreadsheet takes a cell that begins so for a formula (CWE-1236); ours get an apostrophe in
# front, and so do those that begin with one themselves: it can be told again, and taken off.
_FORMULA = frozenset("=+-@\t\r\n")
_MARK = "'"
_GUARDED = _FORMULA | {_MARK}


def guard(cell: str) -> str:
    """Return `cell` so that no spreadsheet takes it for a formula.

    Examples
    --------
    >>> guard("=1+1"), unguard(guard("=1+1")), unguard("'twas")
    ("'=1+1", '=1+1', "'twas")
    """
    return _MARK + cell if cell[:1] in _GUARDED else cell


def unguard(cell: str) -> str:
    """Return what was guarded; other cells as they are."""
    return cell[1:] if cell[:1] == _MARK and cell[1:2] in _GUARDED else cell


class CsvUnreadableError(ValueError):
    """The file is not CSV from `line` on; the message says why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True)
class CsvRecord:
    """A record that ends on `line`: as many cells as the header has, or what is wrong with it."""

    line: int
    cells: Sequence[str] = ()
    fault: str | None = None


class CsvReader:
    """Reads the `header` of a file opened with `newline=""`, then gives the records after it.

    Raises `CsvUnreadableError`: the header or a record is too long, a quote is never closed, or the
    header is not CSV.
    """

    def __init__(self, text: TextIOBase) -> None:
        self._lines = _Lines(text)
        self._reader = csv.reader(self._lines, strict=True)
        self._lines.begin_record(1, MAX_HEADER_CHARACTERS)
        try:
            self.header: list[str] = next(self._reader, [])
        except csv.Error as error:
            raise CsvUnreadableError(1, f"the header is not CSV: {error}") from error

    def __iter__(self) -> Iterator[CsvRecord]:
        """Give each record that is not empty; one that is not CSV spoils no other."""
        while True:
            first = self._reader.line_num + 1
            self._lines.begin_record(first, MAX_RECORD_CHARACTERS)
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                if self._lines.ended:
                    raise CsvUnreadableError(first, "a quote is not closed") from error
                last = self._reader.line_num
                since = f", from line {first} on" if last > first else ""
                yield CsvRecord(last, fault=f"is not CSV{since}: {error}")
                continue
            if cells is None:
                return
            if cells:
                yield self._record(cells)

    def _record(self, cells: list[str]) -> CsvRecord:
        line = self._reader.line_num
        if len(cells) != len(self.header):
            return CsvRecord(line, fault=f"has {len(cells)} columns, the header {len(self.header)}")
        if not is_unicode("".join(cells)):
            return CsvRecord(line, fault="is not UTF-8")
        return CsvRecord(line, cells)


class _Lines:
    """The lines of a file, and whether they have `ended`; a record's are bounded together."""

    def __init__(self, text: TextIOBase) -> None:
        self.ended = False
        self._text = text

    def begin_record(self, line: int, most: int) -> None:
        """Let the lines of the record that begins on `line` have `most` characters together."""
        self._first, self._most, self._left = line, most, most

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._left + 1)
        if not line:
            self.ended = True
            raise StopIteration
        self._left -= len(line)
        if self._left < 0:
            what = "the header" if self._first == 1 else "a record"
            reason = f"{what} has more than {self._most} characters; perhaps a quote is not closed"
            raise CsvUnreadableError(self._first, reason)
        return line


def column_faults(
    names: Sequence[str], known: Collection[str], required: Collection[str], place: str
) -> list[FieldError]:
    """Return what is wrong with a file's columns: pointers below `place`, and faults.

    Too many columns are one fault: then nothing is done for each of them.
    """
    if len(names) > MAX_COLUMNS:
        return [(f"/{place}", f"has {len(names)} columns; the most is {MAX_COLUMNS}")]
    counts = Counter(names)
    faults = [(name, "is not a column of this project") for name in names if name not in known]
    faults += [(name, "is there twice") for name in sorted(counts) if counts[name] > 1]
    faults += [(name, "is missing") for name in required if name not in counts]
    return [(f"/{place}/{escape_pointer(name)}", fault) for name, fault in faults]
