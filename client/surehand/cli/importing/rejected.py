"""The file of rejected rows: each with its reason, to be mended and imported again."""

import csv
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from surehand.cli.importing.rows import Row

REASON, LINE = "rejected_because", "rejected_line"


class RejectedFile:
    """Written from the first rejected row on: CSV for a CSV, else JSON lines."""

    def __init__(self, path: Path, form: str) -> None:
        self.path = path
        self.count = 0
        self._form = form
        self._file: TextIO | None = None
        self._columns: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, row: Row, reason: str) -> None:
        """Write a row."""
        if self._file is None:
            # Values that are not UTF-8 are written as they came.
            self._file = self.path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
            self._columns = [name for name in row.values if name not in {REASON, LINE}]
            if self._form == "csv":
                csv.writer(self._file).writerow([*self._columns, LINE, REASON])
        self.count += 1
        if self._form == "csv":
            cells = [row.values.get(name, "") for name in self._columns]
            csv.writer(self._file).writerow([*cells, row.line, reason])
        else:
            document: dict[str, Any] = {**row.values, LINE: row.line, REASON: reason}
            self._file.write(json.dumps(document, default=str) + "\n")
