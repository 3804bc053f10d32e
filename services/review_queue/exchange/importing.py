"""Imports: rows are read as the body comes, and taken in batch by batch."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from services.review_queue.exchange.formats import FORMATS, Format
from services.review_queue.exchange.incoming import IncomingFile
from services.review_queue.exchange.records import (
    ImportReport,
    RejectedRow,
    Row,
    TaskRecord,
    UnreadableError,
)
from services.review_queue.exchange.restoring import Restoration
from services.review_queue.lifecycle.entries import told
from services.review_queue.lifecycle.intake import IntakeService
from services.review_queue.lifecycle.metrics import VERDICTS
from services.review_queue.projects.reading import open_project
from shared.contracts.base import REJECTED_DETAIL_CHARACTERS, REJECTED_SHOWN, new_id
from shared.contracts.projects import Project
from shared.contracts.tasks import Lane
from shared.db import Database
from shared.problems import Unprocessable
from shared.problems.faults import faults_of

# One batch is one transaction: others come in between, and wait no longer than for it.
_BATCH_ROWS = 250
_BATCH_BYTES = 1024 * 1024
_READ_BYTES = 64 * 1024


@dataclass
class _Tally:
    """What has become of the rows so far."""

    import_id: str = field(default_factory=new_id)
    rows: int = 0
    created: int = 0
    existing: int = 0
    answers: int = 0
    rejected_count: int = 0
    rejected: list[RejectedRow] = field(default_factory=list)

    def reject(self, line: int, detail: str) -> None:
        self.rejected_count += 1
        if len(self.rejected) < REJECTED_SHOWN:
            # A pointer has the row's own keys, which may be as long as the row.
            shown = detail[:REJECTED_DETAIL_CHARACTERS]
            self.rejected.append(RejectedRow(line=line, detail=shown))

    def report(self, *, complete: bool) -> ImportReport:
        counts = {key: value for key, value in vars(self).items() if key != "import_id"}
        return ImportReport(**counts, complete=complete)


@dataclass(frozen=True)
class ImportService:
    """Takes files of tasks in, with the answers that they have."""

    database: Database
    intake: IntakeService
    now: Callable[[], datetime]

    async def take(
        self,
        project_name: str,
        kind: Format,
        chunks: AsyncIterator[bytes],
        *,
        lane: Lane,
        actor: str,
    ) -> ImportReport:
        """Take in what `chunks` hold; `lane` is that of rows which name none.

        What was taken in stays when the body ends early, and the same import again changes nothing
        of it: each batch is committed as a whole or not at all.

        Raises `NotFound` (there is no such project) and `Unprocessable` (it cannot be read as that
        format at all).
        """
        project = await self._current(project_name)
        loop = asyncio.get_running_loop()
        incoming = IncomingFile(chunks, loop)
        file: io.BufferedReader = io.BufferedReader(incoming, _READ_BYTES)
        rows = FORMATS[kind].read(file, project)
        tally = _Tally()
        # A thread of its own: it waits for a client, and others need those that all share.
        reader = ThreadPoolExecutor(1, thread_name_prefix="import")
        try:
            while True:
                batch, fault = await loop.run_in_executor(reader, _next, rows, incoming)
                await self._take(project_name, batch, tally, lane=lane, actor=actor)
                if fault is not None or not batch:
                    return _report(tally, fault)
        finally:
            incoming.abandon()
            reader.submit(rows.close)
            reader.shutdown(wait=False)

    async def _current(self, project_name: str) -> Project:
        async with self.database.reading() as session:
            return await open_project(session, project_name)

    async def _take(
        self, project_name: str, rows: Sequence[Row], tally: _Tally, *, lane: Lane, actor: str
    ) -> None:
        # As it is now: labels may have gone while the body came.
        project = await self._current(project_name)
        tally.rows += len(rows)
        checked = [(row.line, _record(row, project, lane)) for row in rows]
        faults = [(line, one) for line, one in checked if isinstance(one, str)]
        good = [(line, one) for line, one in checked if isinstance(one, TaskRecord)]
        if good:
            faults += await self._enqueue(project, good, tally, actor)
        for line, fault in sorted(faults):
            tally.reject(line, fault)

    async def _enqueue(
        self, project: Project, good: Sequence[tuple[int, TaskRecord]], tally: _Tally, actor: str
    ) -> list[tuple[int, str]]:
        """Take good rows in; return what is wrong with some all the same."""
        records = [record for _, record in good]
        restoration = Restoration(project, records, actor, self.now(), tally.import_id)
        entries = [record.entry() for record in records]
        receipts = await self.intake.enqueue(project.project, entries, actor, restoration)
        tally.answers += restoration.answers
        VERDICTS.labels(project.project, "imported").inc(restoration.answers)
        faults = []
        for place, ((line, _), receipt) in enumerate(zip(good, receipts.tasks, strict=True)):
            if receipt.status == "created":
                tally.created += 1
            elif receipt.status == "existing" and place not in restoration.refused:
                tally.existing += 1
            else:
                faults.append((line, restoration.refused.get(place) or receipt.detail or ""))
        return faults


def _next(rows: Iterator[Row], incoming: IncomingFile) -> tuple[list[Row], UnreadableError | None]:
    """Read the next batch; with it the fault that ended it, where one did."""
    batch: list[Row] = []
    enough, weight = incoming.received + _BATCH_BYTES, 0
    try:
        for row in rows:
            batch.append(row)
            weight += row.weight
            if len(batch) == _BATCH_ROWS or incoming.received + weight > enough:
                break
    except UnreadableError as fault:
        return batch, fault
    return batch, None


def _report(tally: _Tally, fault: UnreadableError | None) -> ImportReport:
    if fault is not None:
        if tally.rows == 0:
            raise Unprocessable([("", str(fault))]) from fault
        # It is always shown, as the last one.
        del tally.rejected[REJECTED_SHOWN - 1 :]
        tally.reject(tally.rows + 1, str(fault))
    return tally.report(complete=fault is None)


def _record(row: Row, project: Project, lane: Lane) -> TaskRecord | str:
    """Return the record in a row, or what is wrong with it."""
    if row.document is None:
        return row.fault or ""
    if row.document.get("lane") is None:
        row.document["lane"] = lane
    try:
        record = TaskRecord.model_validate(row.document)
    except ValidationError as error:
        return told(faults_of(error))
    faults = record.faults(project.labels)
    return told(faults) if faults else record
