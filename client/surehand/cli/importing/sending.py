"""Send rows in batches: labelled ones to the review queue, the others to the pool."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from surehand import Surehand
from surehand.cli.importing.rows import Row
from surehand.endpoints import ADD_TO_POOL, IMPORT

# One call: small enough for a progress bar and to stop, large enough to be fast.
_ROWS, _BYTES = 500, 1024 * 1024
_SECONDS = 300.0


@dataclass
class Tally:
    """What became of the rows so far."""

    labelled: int = 0
    unlabelled: int = 0
    existing: int = 0
    rejected: int = 0

    @property
    def document(self) -> dict[str, int]:
        """The counts, for programs."""
        return {"rows": self.rows, **self.__dict__}

    @property
    def rows(self) -> int:
        """How many rows were handled."""
        return self.labelled + self.unlabelled + self.existing + self.rejected


@dataclass
class Batch:
    """Rows for one route that wait to be sent."""

    rows: list[Row] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, row: Row, line: bytes) -> None:
        """Take a row."""
        self.rows.append(row)
        self.lines.append(line)
        self.size += len(line) + 1

    @property
    def is_full(self) -> bool:
        """Whether it is to be sent."""
        return len(self.rows) >= _ROWS or self.size >= _BYTES


class Sender:
    """Sends items; rejected rows are handed to `reject` with the reason.

    Parameters
    ----------
    client, project
        Where the rows go.
    lane
        Of labelled rows.
    """

    def __init__(
        self, client: Surehand, project: str, lane: str, reject: Callable[[Row, str], None]
    ) -> None:
        self._client = client
        self._names = {"project": project}
        self._lane = lane
        self._reject = reject
        self._labelled = Batch()
        self._others = Batch()
        self.tally = Tally()

    def add(self, row: Row, record: dict[str, Any]) -> None:
        """Take a record of a row; it goes to the pool unless it has an answer."""
        line = json.dumps(record, ensure_ascii=True, allow_nan=True, default=str).encode()
        answered = any(record.get(key) for key in ("label", "verdicts", "state"))
        batch = self._labelled if answered else self._others
        batch.add(row, line)
        if batch.is_full:
            self._flush(batch)

    def refuse(self, row: Row, reason: str) -> None:
        """Count a row that is not sent."""
        self.tally.rejected += 1
        self._reject(row, reason)

    def finish(self) -> None:
        """Send what waits."""
        self._flush(self._labelled)
        self._flush(self._others)

    def _flush(self, batch: Batch) -> None:
        if not batch.rows:
            return
        rows, body = batch.rows, b"\n".join(batch.lines)
        batch.rows, batch.lines, batch.size = [], [], 0
        headers = {"Content-Type": "application/x-ndjson"}
        options: dict[str, Any] = {"content": body, "headers": headers, "timeout": _SECONDS}
        if batch is self._labelled:
            params = {"lane": self._lane}
            answered = self._client.ask(IMPORT, self._names, params=params, **options)
            self.tally.labelled += answered.created
            self.tally.existing += answered.existing
            rejected = answered.rejected
        else:
            pooled = self._client.ask(ADD_TO_POOL, self._names, **options)
            self.tally.unlabelled += pooled.imported
            self.tally.existing += pooled.duplicates
            rejected = pooled.rejected
        for one in rejected:
            self.refuse(rows[min(max(one.line, 1), len(rows)) - 1], one.detail)
