"""The result of a scoring job: written in parts, given out as one file."""

import csv
import gzip
import io
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence

import orjson

from services.trainer.erasure.repository import erased_among
from services.trainer.jobs import repository
from services.trainer.jobs.messages import FileFormat, ScoredRow
from services.trainer.jobs.service import folder_of, require
from services.trainer.resources import Resources
from services.trainer.tables import Job, JobPart
from shared.db import Session
from shared.problems import Conflict

_COLUMNS = tuple(ScoredRow.model_fields)


async def write_part(resources: Resources, job: Job, rows: Sequence[ScoredRow]) -> str:
    """Write the next part of a job's result; return its path. It counts once it is recorded."""
    lines = b"".join(row.model_dump_json().encode() + b"\n" for row in rows)
    # A trainer that lost the project meanwhile writes another file.
    name = f"part-{job.parts:06}-{secrets.token_hex(4)}.jsonl.gz"
    path = f"{folder_of(job.project, job.job_id)}/{name}"
    await resources.store.write(path, gzip.compress(lines, compresslevel=6, mtime=0))
    return path


async def record_part(session: Session, job: Job, path: str, rows: Sequence[ScoredRow]) -> bool:
    """Record a part that was written; False where it has an item that was erased meanwhile."""
    ids = [row.item_id for row in rows if row.item_id is not None]
    if await erased_among(session, job.project, ids):
        return False
    session.add(JobPart(job_id=job.job_id, number=job.parts, project=job.project, path=path))
    job.parts += 1
    return True


async def without_erased(
    resources: Resources, project: str, rows: Sequence[ScoredRow]
) -> list[ScoredRow]:
    """Return the rows without those of erased items."""
    ids = [row.item_id for row in rows if row.item_id is not None]
    async with resources.database.reading() as session:
        erased = await erased_among(session, project, ids)
    return [row for row in rows if row.item_id not in erased]


async def open_result(
    resources: Resources, project: str, job_id: str, form: FileFormat
) -> AsyncIterator[bytes]:
    """Return the rows of a scoring job that has ended, a part at a time.

    Raises `NotFound` (there is no such job) and `Conflict` (it has not ended, or has no result).
    """
    async with resources.database.reading() as session:
        job = await require(session, project, job_id)
        paths = await repository.parts(session, job_id)
    if job.kind != "scoring":
        raise Conflict("Labels of the pool are exported by GET …/labels.")
    if job.finished_at is None:
        raise Conflict("The job has not ended; its result is whole then.", state=job.state)
    return _pieces(resources, paths, form)


async def _pieces(
    resources: Resources, paths: Iterable[str], form: FileFormat
) -> AsyncIterator[bytes]:
    if form == "csv":
        yield csv_line(_COLUMNS)
    for path in paths:
        body = await resources.store.read(path)
        lines = b"" if body is None else gzip.decompress(body)
        if form == "jsonl":
            yield lines
        else:
            rows = (orjson.loads(line) for line in lines.splitlines())
            yield b"".join(csv_line([row.get(name) for name in _COLUMNS]) for row in rows)


def csv_line(cells: Iterable[object]) -> bytes:
    """Return one record of a CSV file; None is an empty cell."""
    line = io.StringIO()
    csv.writer(line).writerow(["" if cell is None else cell for cell in cells])
    return line.getvalue().encode()
