"""Carries jobs on, a step of each at a time, for the projects of this trainer."""

import uuid
from datetime import UTC, datetime, timedelta

import structlog

from services.trainer.jobs import repository
from services.trainer.jobs.autolabel import AutolabelSteps, NothingCertified
from services.trainer.jobs.reading import UnreadableFile
from services.trainer.jobs.scoring import ScoringSteps
from services.trainer.jobs.service import JOBS_BELL, folder_of
from services.trainer.registry import repository as registry
from services.trainer.registry.scores import ModelUnusable, fits_project, load_version
from services.trainer.resources import PASSING, Resources
from services.trainer.tables import Job
from shared.contracts.projects import Project
from shared.doorbells import wait_for
from shared.logs import cause_of
from shared.loops import Loop

log = structlog.get_logger()

_OWN_FAULTS = (UnreadableFile, ModelUnusable, NothingCertified)
RESULTS_KEPT = timedelta(days=30)
"""How long a job and its result are kept after its end."""
_UPLOAD_TAKES = timedelta(days=1)
_TIDY_EVERY = timedelta(hours=1)


class JobWorker:
    """Takes the active jobs in turn, a step of each."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._steps: dict[str, AutolabelSteps | ScoringSteps] = {}
        self._tidied_at: datetime | None = None
        self.loop = Loop("jobs", self._turn, self._rest, expected=PASSING)

    async def _turn(self) -> None:
        """Carry each job on until none is active, or each of them has to wait.

        A job that cannot go on now stops no other; why it cannot is raised at the end.
        """
        resources, stopped = self._resources, dict[str, Exception]()
        while True:
            async with resources.database.reading() as session:
                jobs = await repository.active(session)
            for job_id in self._steps.keys() - {job.job_id for job in jobs}:
                del self._steps[job_id]
            ours = [job for job in jobs if await resources.leases.hold(job.project) is not None]
            moved = False
            for job in ours:
                if job.job_id in stopped:
                    continue
                try:
                    moved |= await self._carry_on(job)
                except PASSING as error:
                    stopped[job.job_id] = error
                self.loop.advance()
            if not moved:
                break
        await self._tidy()
        for reason in stopped.values():
            raise reason

    async def _rest(self) -> None:
        with self._resources.bells.hearing(JOBS_BELL) as rung:
            await wait_for(rung, self._resources.common.poll_seconds)

    async def _carry_on(self, job: Job) -> bool:
        """Take one step of a job, or end it where it cannot go on; False where it has to wait."""
        project = await self._resources.projects.find(job.project)
        if project is None:
            return False
        try:
            if job.job_id not in self._steps:
                self._steps[job.job_id] = await self._begin(project, job)
            if not await self._steps[job.job_id].step(project):
                self._steps.pop(job.job_id, None)
        except PASSING:
            # The next attempt goes on behind what was recorded last.
            self._steps.pop(job.job_id, None)
            raise
        except _OWN_FAULTS as error:
            await self._fail(job, str(error))
        except Exception as error:
            log.exception("job_failed", project=job.project, job_id=job.job_id)
            await self._fail(job, f"failed unexpectedly: {cause_of(error)[:200]}")
        return True

    async def _begin(self, project: Project, job: Job) -> AutolabelSteps | ScoringSteps:
        resources = self._resources
        async with resources.database.transaction() as session:
            current = await repository.lock(session, job.job_id)
            if current is not None and current.state == "queued":
                current.state, current.started_at = "running", resources.now()
            version = await registry.find(session, job.project, job.version)
        if version is None or not fits_project(version, project):
            raise ModelUnusable(f"{job.version} no longer fits the project")
        loaded = await load_version(resources, project, version)
        kind = AutolabelSteps if job.kind == "autolabel" else ScoringSteps
        return kind(resources, project, current or job, loaded)

    async def _fail(self, job: Job, why: str) -> None:
        self._steps.pop(job.job_id, None)
        async with self._resources.database.transaction() as session:
            current = await repository.lock(session, job.job_id)
            if current is not None and current.finished_at is None:
                current.state, current.detail = "failed", why
                current.finished_at = self._resources.now()
        log.info("job_ended", project=job.project, job_id=job.job_id, state="failed", why=why)

    async def _tidy(self) -> None:
        """Delete files of uploads that were scored, and once an hour what is kept no longer."""
        resources, now = self._resources, self._resources.now()
        held = set(resources.leases.held())
        async with resources.database.reading() as session:
            read = await repository.read_sources(session)
        for project, job_id, path in read:
            if project in held:
                await resources.store.delete(path)
                async with resources.database.transaction() as session:
                    await repository.forget_source(session, job_id)
        if self._tidied_at is not None and now < self._tidied_at + _TIDY_EVERY:
            return
        async with resources.database.reading() as session:
            projects = await repository.projects(session)
        for name in sorted(projects & held):
            await remove_old(resources, name, now)
            self.loop.advance()
        self._tidied_at = now


async def remove_old(resources: Resources, project: str, now: datetime) -> None:
    """Delete jobs that ended long ago, with their files, and files of uploads that broke off."""
    async with resources.database.reading() as session:
        known = await repository.known(session, project)
        old = set(await repository.ended_before(session, project, now - RESULTS_KEPT))
    for job_id in await resources.store.folders(folder_of(project)):
        is_left = job_id not in known and _born_at(job_id) < now - _UPLOAD_TAKES
        if is_left or job_id in old:
            for path in await resources.store.files(folder_of(project, job_id)):
                await resources.store.delete(path)
    if old:
        async with resources.database.transaction() as session:
            await repository.forget(session, old)


def _born_at(job_id: str) -> datetime:
    """Return when a job got its id, a UUIDv7; the first moment for what is none."""
    try:
        milliseconds = uuid.UUID(job_id).int >> 80
    except ValueError:
        milliseconds = 0
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
