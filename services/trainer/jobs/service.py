"""Jobs as use cases: begin, list, cancel, and give their results."""

import hashlib
from collections.abc import AsyncIterator, Sequence

import structlog

from services.trainer.idempotency import repository as keys
from services.trainer.idempotency.service import KEPT, KeyedRequest
from services.trainer.jobs import repository
from services.trainer.jobs.messages import FileFormat, JobView, StoredFile
from services.trainer.projects.repository import lock_state, locking
from services.trainer.registry import repository as registry
from services.trainer.registry.scores import fits_project
from services.trainer.resources import Resources
from services.trainer.tables import Job, Version, page_before
from shared import parquet
from shared.contracts.base import new_id
from shared.contracts.projects import Project
from shared.db import Session
from shared.problems import BodyTooLarge, Conflict, NotFound, Problem, Unprocessable

log = structlog.get_logger()

JOBS_BELL = "trainer-jobs"
FORMATS: dict[str, FileFormat] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_MOST_ACTIVE = 20


class NothingServes(Conflict):
    """No version can score: there is none that serves and fits the project."""

    kind, title = "nothing-serves", "No version can score"


def folder_of(project: str, job_id: str | None = None) -> str:
    """Return the folder of a job's files in the store, or that of all jobs of the project."""
    return f"{project}/jobs" if job_id is None else f"{project}/jobs/{job_id}"


async def score_upload(
    resources: Resources,
    project: Project,
    body: AsyncIterator[bytes],
    form: FileFormat,
    requested_by: str,
    key: str | None = None,
) -> JobView:
    """Keep a file in the store as it comes, and begin to score it.

    The same key and file give the same job, once. Raises `KeyReused`, `NothingServes` and
    `Conflict` as `_begin`; `BodyTooLarge`; `Unprocessable` where it is Parquet and pyarrow is not
    installed.
    """
    require_reader(form, "/format")
    await _require_room(resources, project, key)
    job_id = new_id()
    path = f"{folder_of(project.project, job_id)}/source"
    size, digest = 0, hashlib.sha256(form.encode())
    async with resources.store.writing(path) as write:
        async for piece in body:
            size += len(piece)
            if size > resources.settings.scoring_limit_bytes:
                raise BodyTooLarge(resources.settings.scoring_limit_bytes)
            if piece:
                digest.update(piece)
                await write(piece)
    job = new_job(resources, project, "scoring")
    job.job_id, job.format, job.source = job_id, form, path
    job.owns_source, job.size = True, size
    asked = KeyedRequest("scoring", key, digest.hexdigest())
    try:
        begun = await _begin(resources, project, job, requested_by, asked)
    except Problem:
        # After any other fault it may be recorded: a file that is left goes a day later.
        await resources.store.delete(path)
        raise
    if begun.job_id != job_id:
        await resources.store.delete(path)
    return begun


async def score_stored(
    resources: Resources,
    project: Project,
    wanted: StoredFile,
    requested_by: str,
    key: str | None = None,
) -> JobView:
    """Begin to score a file that lies in the store; the same key gives the same job, once.

    Raises `Unprocessable`: the path is not below the project's folder of incoming files, there is
    no such file, its format is unknown, or it is Parquet and pyarrow is not installed. Others as
    `score_upload`.
    """
    incoming = f"{project.project}/incoming/"
    parts = wanted.path.split("/")
    if not wanted.path.startswith(incoming) or {"", ".", ".."} & set(parts):
        raise Unprocessable([("/path", f"must be a file in the store below {incoming}")])
    form = wanted.format or FORMATS.get(f".{wanted.path.rpartition('.')[2].lower()}")
    if form is None:
        raise Unprocessable(
            [("/format", "must be csv, jsonl or parquet: the path's ending does not say")]
        )
    require_reader(form, "/format")
    size = await resources.store.size(wanted.path) if wanted.path.isprintable() else None
    if size is None:
        raise Unprocessable([("/path", "names no file in the store")])
    job = new_job(resources, project, "scoring")
    job.format, job.source, job.size = form, wanted.path, size
    asked = KeyedRequest.of("scoring", key, wanted)
    return await _begin(resources, project, job, requested_by, asked)


def require_reader(form: FileFormat, pointer: str) -> None:
    """Raise `Unprocessable` where `pointer` asks for Parquet, and pyarrow is not installed."""
    if form == "parquet" and not parquet.is_installed():
        raise Unprocessable([(pointer, parquet.NOT_INSTALLED)])


def new_job(resources: Resources, project: Project, kind: str) -> Job:
    """Return a new job, not stored yet: the caller sets its input, `version` and `requested_by`."""
    now = resources.now()
    return Job(project=project.project, kind=kind, requested_by="", version="", created_at=now)


async def _begin(
    resources: Resources, project: Project, job: Job, requested_by: str, asked: KeyedRequest
) -> JobView:
    """Queue a job of the version that serves, or return the one that the request was given.

    Raises `KeyReused`, `NothingServes`, or `Conflict` where too many jobs of the project wait.
    """
    async with locking(resources.database, project.project) as (session, _):
        before = await asked.created(session, project.project, resources.now())
        if before is not None:
            return view(await require(session, project.project, before))
        version = await champion(session, project)
        await _check_room(session, project)
        job.version, job.requested_by = version.version, requested_by
        session.add(job)
        await asked.record(session, project.project, job.job_id, resources.now())
    await resources.bells.ring(JOBS_BELL)
    log.info("job_queued", project=project.project, job_id=job.job_id, kind=job.kind)
    return view(job)


async def champion(session: Session, project: Project) -> Version:
    """Return the version that serves; `NothingServes` where none does, or it does not fit."""
    state = await lock_state(session, project.project)
    version = await registry.find(session, project.project, state.champion)
    if version is None:
        raise NothingServes("No version serves yet: train one first.")
    if not fits_project(version, project):
        raise NothingServes(
            f"{version.version} no longer fits the project's labels or fields: train a new version."
        )
    return version


async def _require_room(resources: Resources, project: Project, key: str | None) -> None:
    """Raise before a body is read what `_begin` would raise after it."""
    async with resources.database.transaction() as session:
        since = resources.now() - KEPT
        if key is not None and await keys.find(session, project.project, key, since) is not None:
            return
        await champion(session, project)
        await _check_room(session, project)


async def _check_room(session: Session, project: Project) -> None:
    if len(await repository.active(session, project.project)) >= _MOST_ACTIVE:
        raise Conflict(f"{_MOST_ACTIVE} jobs of the project wait already: let some of them end.")


async def list_jobs(
    resources: Resources, project: str, before: str | None, limit: int
) -> Sequence[JobView]:
    """Return jobs, newest first."""
    async with resources.database.reading() as session:
        return [
            view(job) for job in await page_before(session, Job, project, Job.job_id, before, limit)
        ]


async def describe(resources: Resources, project: str, job_id: str) -> JobView:
    """Return one job; `NotFound` when there is no such job."""
    async with resources.database.reading() as session:
        return view(await require(session, project, job_id))


async def cancel(resources: Resources, project: str, job_id: str) -> JobView:
    """Cancel a job, which keeps what it has done; one that has ended stays as it is."""
    async with resources.database.transaction() as session:
        await require(session, project, job_id)
        job = await repository.lock(session, job_id)
        assert job is not None
        if job.state in ("queued", "running"):
            job.state, job.finished_at = "cancelled", resources.now()
            job.detail = "cancelled by an operator"
    # The worker, here or elsewhere, deletes the file.
    await resources.bells.ring(JOBS_BELL)
    return view(job)


async def require(session: Session, project: str, job_id: str) -> Job:
    """Return one job; `NotFound` when there is no such job."""
    job = await repository.find(session, project, job_id)
    if job is None:
        raise NotFound("There is no such job; GET …/jobs lists them.", id=job_id)
    return job


def view(job: Job) -> JobView:
    """Return what the API says of a job."""
    share = 1.0 if job.state == "succeeded" else min(1.0, job.done / max(1, job.size))
    derived = {"progress": share, "caution": _caution(job)}
    members = {name: getattr(job, name) for name in JobView.model_fields.keys() - derived.keys()}
    return JobView.model_validate(derived | members)


def _caution(job: Job) -> str | None:
    """Warn where the certificate was proven on other items than those of the job."""
    if job.population is None or (job.kind, job.population) == ("autolabel", "pool"):
        return None
    proven_on = "recent traffic" if job.population == "traffic" else "the pool"
    scored = "this pool" if job.kind == "autolabel" else "this file"
    return (
        f"The certificate was proven on {proven_on}, not on {scored}: it holds for items like "
        "those. Let reviewers label a random sample of the answered rows."
    )
