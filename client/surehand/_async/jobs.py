"""Jobs: score a file, label the rest of a pool, export all labels."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx

from surehand import endpoints as e
from surehand._async.concurrency import parts_of, sleep, write_to
from surehand._async.pages import AsyncGroup, AsyncPages
from surehand.errors import WaitTimeout
from surehand.models.jobs import Job
from surehand.retries import keyed

_LOOK_SECONDS = 0.5
_UPLOAD_SECONDS = 600.0
_FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_MEDIA_TYPES = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


class AsyncJobs(AsyncGroup):
    """`client.jobs`: many items at once, under the promise."""

    async def score_file(
        self,
        project: str,
        path: str | Path,
        *,
        format: str | None = None,  # noqa: A002 - the parameter's name in the API
        key: str | None = None,
    ) -> Job:
        """Begin to score a CSV, JSON Lines or Parquet file, which is sent as it is read.

        Its columns, or members, have the names of the project's fields; ``item_id`` is optional,
        and others are passed over. See `download_result`.

        Parameters
        ----------
        format
            ``csv``, ``jsonl`` or ``parquet``; by default the file's suffix says it.
        key
            Repeating a request with the same key gives the same job.

        Raises
        ------
        ValueError
            The format is unknown.
        Conflict
            No version serves, or too many jobs of the project wait.
        """
        path = Path(path)
        media_type = _MEDIA_TYPES.get(format or _FORMATS.get(path.suffix.lower(), ""))
        if media_type is None:
            raise ValueError(f"{path.name}: the suffix must be one of {', '.join(_FORMATS)}")
        # Of a body with a length slow parts are waited for.
        length = {"Content-Length": str(path.stat().st_size)}
        return await self._http.ask(
            e.SCORE,
            {"project": project},
            content=partial(parts_of, path),
            headers={"Content-Type": media_type, **length, **keyed(key)},
            timeout=_UPLOAD_SECONDS,
        )

    async def score_stored(
        self,
        project: str,
        path: str,
        *,
        format: str | None = None,  # noqa: A002 - the parameter's name in the API
        key: str | None = None,
    ) -> Job:
        """Begin to score a file that lies in the store, below ``PROJECT/incoming/``."""
        body = {"path": path, "format": format}
        names, headers = {"project": project}, keyed(key)
        return await self._http.ask(e.SCORE, names, json=body, headers=headers)

    async def autolabel(self, project: str, *, ask: bool = True, key: str | None = None) -> Job:
        """Begin to label the rest of the pool: certified answers become labels.

        With `ask` reviewers get a task of each other item. While such a job is active, it is
        returned; repeating a request with the same `key` gives the same job.

        Raises
        ------
        Conflict
            No certified version serves, or nothing waits in the pool.
        """
        names, headers = {"project": project}, keyed(key)
        return await self._http.ask(e.AUTOLABEL, names, json={"ask": ask}, headers=headers)

    def list(self, project: str) -> AsyncPages[Job]:
        """List the jobs of the last 30 days, newest first."""
        return AsyncPages(self._http, e.JOBS, {"project": project})

    async def get(self, project: str, job_id: str) -> Job:
        """Return a job."""
        return await self._http.ask(e.GET_JOB, {"project": project, "job_id": job_id})

    async def cancel(self, project: str, job_id: str) -> Job:
        """Cancel a job; it keeps what it has done."""
        return await self._http.ask(e.CANCEL_JOB, {"project": project, "job_id": job_id})

    async def wait(self, project: str, job_id: str, *, timeout: float = 3600.0) -> Job:
        """Return the job once it is over.

        Raises
        ------
        WaitTimeout
            It is not over after `timeout` seconds.
        """
        for _ in range(max(int(timeout / _LOOK_SECONDS), 1)):
            job = await self.get(project, job_id)
            if job.is_over:
                return job
            await sleep(_LOOK_SECONDS)
        raise WaitTimeout(f"Job {job_id} is not over after {timeout:g} s.", [])

    @contextlib.asynccontextmanager
    async def result(
        self,
        project: str,
        job_id: str,
        *,
        format: str = "jsonl",  # noqa: A002 - as above
    ) -> AsyncIterator[httpx.Response]:
        """Give the result of a scoring job, ``jsonl``, ``csv`` or ``parquet``.

        It has a row for each row of the file: ``line`` says on which line of the file that row ends
        (of Parquet: its number). ``decision`` is answered (with ``label`` and ``certificate_id``),
        declined (with ``reason`` and ``suggestion``) or rejected (with ``detail``).
        """
        route, names = e.JOB_RESULT, {"project": project, "job_id": job_id}
        params = {"format": format}
        path = route.at(names)
        async with self._http.stream(route.service, route.method, path, params=params) as response:
            yield response

    async def download_result(self, project: str, job_id: str, path: str | Path) -> int:
        """Write a scoring job's result, CSV or Parquet by the suffix; return the file's bytes."""
        form = _form_of(Path(path))
        async with self.result(project, job_id, format=form) as response:
            return await write_to(Path(path), response.aiter_bytes())

    @contextlib.asynccontextmanager
    async def labels(
        self,
        project: str,
        *,
        format: str = "jsonl",  # noqa: A002 - as above
        source: str = "all",
    ) -> AsyncIterator[httpx.Response]:
        """Give all labels: of people, of versions (``model``), or ``all``.

        Each row has the item, the label's source, confidence, verdicts and certificate; the file is
        ``jsonl``, ``csv`` or ``parquet``.
        """
        route, params = e.LABELS, {"format": format, "source": source}
        path = route.at({"project": project})
        async with self._http.stream(route.service, route.method, path, params=params) as response:
            yield response

    async def download_labels(self, project: str, path: str | Path, *, source: str = "all") -> int:
        """Write all labels to a file, CSV or Parquet by its suffix; return its bytes."""
        form = _form_of(Path(path))
        async with self.labels(project, format=form, source=source) as response:
            return await write_to(Path(path), response.aiter_bytes())


def _form_of(path: Path) -> str:
    return _FORMATS.get(path.suffix.lower(), "jsonl")
