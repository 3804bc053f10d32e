"""The file of an import: its rows, and what its first rows show."""

import contextlib
from collections.abc import Generator
from itertools import islice
from pathlib import Path
from typing import Any

from surehand.cli.failures import UserError
from surehand.cli.importing.exported import is_export
from surehand.cli.importing.rows import Row, format_of, read_rows

_SAMPLE = 200


class Source:
    """A file that can be read from its start as often as needed.

    Raises
    ------
    UserError
        It has no rows, or cannot be read.
    """

    def __init__(self, path: Path, form: str | None, delimiter: str | None) -> None:
        if delimiter is not None and len(delimiter) != 1:
            raise UserError("--delimiter is one character.")
        self.path = path
        self.form = format_of(path, form)
        self._delimiter = delimiter
        with contextlib.closing(self.rows()) as rows:
            self.sample = list(islice(rows, _SAMPLE))
        if not self.sample:
            raise UserError(f"{path} has no rows.")

    def rows(self) -> Generator[Row]:
        """Give all rows."""
        return read_rows(self.path, self.form, self._delimiter)

    @property
    def good(self) -> list[dict[str, Any]]:
        """The values of the first rows that can be read."""
        return [row.values for row in self.sample if row.fault is None]

    @property
    def is_export(self) -> bool:
        """Whether it has the columns of an export as CSV or Parquet."""
        return is_export(self.sample)

    @property
    def has_items(self) -> bool:
        """Whether its rows are items already, with their data in `data`."""
        good = self.good
        return bool(good) and all(isinstance(values.get("data"), dict) for values in good)

    @property
    def rejected_path(self) -> Path:
        """Where rejected rows go, unless the person names a place."""
        suffix = "csv" if self.form == "csv" else "jsonl"
        return self.path.with_name(f"{self.path.name}.rejected.{suffix}")
