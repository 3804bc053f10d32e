"""Score a file: read it row by row, decide, and write the result part by part.

Each part is a step of its own: after a crash the job goes on behind the last part that was
recorded.
"""

import asyncio
from collections.abc import Iterator
from itertools import islice

from services.trainer.jobs import repository
from services.trainer.jobs.deciding import JudgedPromise, decide, judge_promise, note_population
from services.trainer.jobs.messages import ScoredRow
from services.trainer.jobs.reading import FileRow, OpenedFile, UnreadableFile, read_rows
from services.trainer.jobs.results import record_part, without_erased, write_part
from services.trainer.registry.scores import LoadedVersion
from services.trainer.resources import Resources
from services.trainer.tables import Job
from shared.contracts.projects import Project
from shared.routing.decisions import Decision
from shared.routing.scores import Score

# A part has at most so many rows, or those of so many bytes and one row more.
PART_ROWS = 2_000
_PART_BYTES = 8 * 1024 * 1024


class ScoringSteps:
    """The steps of one scoring job, from where it stands."""

    def __init__(
        self, resources: Resources, project: Project, job: Job, version: LoadedVersion
    ) -> None:
        self._resources, self._version = resources, version
        # How many rows of the file are recorded, as far as these steps know.
        self._job_id, self._recorded = job.job_id, job.rows
        self._file: OpenedFile | None = None
        self._size = job.size
        self._source, self._form, self._project = job.source, job.format, project
        self._rows: Iterator[FileRow] = iter(())

    async def step(self, project: Project) -> bool:
        """Score the next rows; return whether these steps go on.

        They do not where another trainer has gone on meanwhile: their place in the file is an
        earlier one. Raises `UnreadableFile` and `ModelUnusable`: the job has failed.
        """
        batch = await asyncio.to_thread(self._next)
        promise = await judge_promise(self._resources, project, self._version)
        scored = await self._scored(project, promise, batch)
        return await self._record(scored, batch, promise)

    def _next(self) -> list[FileRow]:
        if self._file is None:
            try:
                file = self._resources.store.reader(self._source)
            except FileNotFoundError as error:
                raise UnreadableFile("The file is no longer in the store.") from error
            self._file = OpenedFile(file, self._size)
            folder = self._resources.runs_folder
            self._rows = read_rows(self._file, self._form, self._project, folder)
            for _ in islice(self._rows, self._recorded):
                pass
        batch: list[FileRow] = []
        until = self._file.position + _PART_BYTES
        for row in islice(self._rows, PART_ROWS):
            batch.append(row)
            if self._file.position > until:
                break
        return batch

    async def _scored(
        self, project: Project, promise: JudgedPromise, batch: list[FileRow]
    ) -> list[ScoredRow]:
        good = [row for row in batch if row.fault is None]
        items = [row.data for row in good]
        decided = iter(await decide(project.project, self._version, promise, items))
        return [
            ScoredRow(line=row.line, item_id=row.item_id, decision="rejected", detail=row.fault)
            if row.fault is not None
            else self._decided(row, promise, next(decided))
            for row in batch
        ]

    def _decided(
        self, row: FileRow, promise: JudgedPromise, found: tuple[Score | None, Decision]
    ) -> ScoredRow:
        score, decision = found
        is_answered = decision.decision == "answered"
        return ScoredRow(
            line=row.line,
            item_id=row.item_id,
            decision="answered" if is_answered else "declined",
            label=decision.label,
            suggestion=decision.suggestion,
            confidence=None if score is None else score.confidence,
            reason=decision.reason,
            model_version=self._version.manifest.version,
            certificate_id=promise.certificate_id if is_answered else None,
        )

    async def _record(
        self, scored: list[ScoredRow], batch: list[FileRow], promise: JudgedPromise
    ) -> bool:
        """Write and record a part, unless the job was ended or taken over meanwhile."""
        assert self._file is not None
        done, path, is_last = self._file.done, None, not batch
        async with self._resources.database.reading() as session:
            job = await repository.find(session, self._project.project, self._job_id)
        if job is None or not _is_at(job, job.parts, self._recorded):
            return False
        if scored:
            path = await write_part(self._resources, job, scored)
        async with self._resources.database.transaction() as session:
            current = await repository.lock(session, self._job_id)
            is_ours, is_recorded = _is_at(current, job.parts, self._recorded), True
            if current is not None and is_ours:
                is_recorded = path is None or await record_part(session, current, path, scored)
                if is_recorded:
                    _count(current, scored, len(batch), done)
                    note_population(current, promise)
                if is_last:
                    current.state, current.finished_at = "succeeded", self._resources.now()
        if path is not None and not (is_ours and is_recorded):
            await self._resources.store.delete(path)
        if is_ours and not is_recorded:
            # An item was erased meanwhile: its row is left out, and the rest is written again.
            kept = await without_erased(self._resources, self._project.project, scored)
            return await self._record(kept, batch, promise)
        self._recorded += len(batch)
        return is_ours and not is_last


def _is_at(job: Job | None, parts: int, rows: int) -> bool:
    """Say whether a job runs, and no other trainer has recorded its next part."""
    return job is not None and job.state == "running" and (job.parts, job.rows) == (parts, rows)


def _count(job: Job, scored: list[ScoredRow], rows: int, done: int) -> None:
    job.rows += rows
    job.done = done
    for row in scored:
        setattr(job, row.decision, getattr(job, row.decision) + 1)
