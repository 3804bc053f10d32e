"""The result of a scoring job: written in parts, given out as one file."""

import asyncio
import csv
import gzip
import io
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import orjson

from services.trainer.erasure.repository import erased_among
from services.trainer.jobs import repository
from services.trainer.jobs.messages import FileFormat, ScoredRow
from services.trainer.jobs.service import folder_of, require, require_reader
from services.trainer.resources import Resources
from services.trainer.tables import Job, JobPart
from shared.csv_records import guard
from shared.db import Session
from shared.parquet.writing import Kind, RowGroups
from shared.problems import Conflict

Rows = list[dict[str, Any]]

_COLUMNS = tuple(ScoredRow.model_fields)
# Of the columns of a Parquet file that hold no text.
_NUMBERS: dict[str, Kind] = {"line": "integer", "confidence": "number"}
_KINDS: dict[str, Kind] = {name: _NUMBERS.get(name, "text") for name in _COLUMNS}


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

    Raises `NotFound` (there is no such job), `Conflict` (it has not ended, or has no result) and
    `Unprocessable` (Parquet is wanted, and pyarrow is not installed).
    """
    async with resources.database.reading() as session:
        job = await require(session, project, job_id)
        paths = await repository.parts(session, job_id)
    if job.kind != "scoring":
        raise Conflict("Labels of the pool are exported by GET …/labels.")
    if job.finished_at is None:
        raise Conflict("The job has not ended. Fetch the result once it has.", state=job.state)
    require_reader(form, "/query/format")
    parts = _parts(resources, paths)
    if form == "jsonl":
        return parts
    pages = ([orjson.loads(line) for line in lines.splitlines()] async for lines in parts)
    return parquet_pieces(_KINDS, pages) if form == "parquet" else csv_pieces(_COLUMNS, pages)


async def _parts(resources: Resources, paths: Iterable[str]) -> AsyncIterator[bytes]:
    for path in paths:
        body = await resources.store.read(path)
        if body is not None:
            yield gzip.decompress(body)


async def csv_pieces(columns: Sequence[str], pages: AsyncIterator[Rows]) -> AsyncIterator[bytes]:
    """Give the pages of rows as a CSV file, its header first."""
    yield _csv_line(columns)
    async for rows in pages:
        yield b"".join(_csv_line([row.get(name) for name in columns]) for row in rows)


async def parquet_pieces(
    kinds: Mapping[str, Kind], pages: AsyncIterator[Rows]
) -> AsyncIterator[bytes]:
    """Give the pages of rows as a Parquet file."""
    # pyarrow takes some hundred milliseconds the first time, and a row group some ten.
    writer = await asyncio.to_thread(RowGroups, kinds)
    async for rows in pages:
        yield await asyncio.to_thread(writer.add, rows)
    yield await asyncio.to_thread(writer.end)


def _csv_line(cells: Iterable[object]) -> bytes:
    """Return one record of a CSV file; None is an empty cell, and no text is a formula."""
    line = io.StringIO()
    csv.writer(line).writerow([_cell(cell) for cell in cells])
    return line.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, str):
        return guard(value)
    if isinstance(value, list | dict | bool):
        return orjson.dumps(value).decode()
    return "" if value is None else value
