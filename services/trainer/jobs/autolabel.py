"""Label the rest of a pool under the promise: certified answers become labels, the others tasks.

A batch is decided, then recorded in one transaction: its items leave the states in which they wait,
so a job that broke off, or is begun again, goes on with what is left.
"""

from collections.abc import Sequence
from typing import Any

from services.trainer.idempotency.service import KeyedRequest
from services.trainer.jobs import repository
from services.trainer.jobs.deciding import JudgedPromise, decide, judge_promise, note_population
from services.trainer.jobs.labels import repository as labels
from services.trainer.jobs.messages import AutolabelRequest, JobView
from services.trainer.jobs.service import JOBS_BELL, champion, new_job, require, view
from services.trainer.pool import repository as pool
from services.trainer.projects.repository import locking
from services.trainer.registry.scores import LoadedVersion
from services.trainer.resources import Resources
from services.trainer.tables import Job, ModelLabel, PoolItem
from shared.contracts.items import check_data
from shared.contracts.projects import Project
from shared.contracts.tasks import TaskPrediction
from shared.db import Session
from shared.problems import Conflict
from shared.routing.decisions import Decision
from shared.routing.scores import Score

_BATCH = 500
# Of jobs, what must hold for each of them.
_WHY = {
    "uncertified": "its version is not certified",
    "promise_suspended": "the promise is suspended",
    "promise_expired": "the certificate has expired, or its watch has not been renewed",
}


class NothingCertified(Exception):  # noqa: N818 - says what is found
    """The promise does not hold: nothing may be labelled under it; the message says why."""


async def begin(
    resources: Resources,
    project: Project,
    wanted: AutolabelRequest,
    requested_by: str,
    key: str | None = None,
) -> JobView:
    """Queue a job; one that is active, or was given for the same key, is returned instead.

    Raises `KeyReused`, `NothingServes`, or `Conflict` where the promise of the version that serves
    does not hold, or nothing waits in the pool.
    """
    asked = KeyedRequest.of("autolabel", key, wanted)
    async with locking(resources.database, project.project) as (session, _):
        before = await asked.created(session, project.project, resources.now())
        if before is not None:
            return view(await require(session, project.project, before))
        version = await champion(session, project)
        for job in await repository.active(session, project.project):
            if job.kind == "autolabel":
                await asked.record(session, project.project, job.job_id, resources.now())
                return view(job)
        size = await pool.count_waiting(session, project.project)
        if not size:
            raise Conflict("No item of the pool waits for a label.")
        if version.certificate is None:
            raise Conflict(f"{version.version} is not certified: its answers become no labels.")
        job = new_job(resources, project, "autolabel")
        job.requested_by, job.version = requested_by, version.version
        job.asks, job.size = wanted.ask, size
        session.add(job)
        await asked.record(session, project.project, job.job_id, resources.now())
    await resources.bells.ring(JOBS_BELL)
    return view(job)


Decided = dict[str, tuple[Score | None, Decision]]


class AutolabelSteps:
    """The steps of one job, from where it stands."""

    def __init__(
        self, resources: Resources, project: Project, job: Job, version: LoadedVersion
    ) -> None:
        self._resources, self._version = resources, version
        self._project, self._job_id = project.project, job.job_id

    async def step(self, project: Project) -> bool:
        """Decide the next items of the pool; return whether the job goes on.

        Raises `NothingCertified` (the promise holds no longer) and `ModelUnusable`.
        """
        async with self._resources.database.reading() as session:
            job = await repository.find(session, self._project, self._job_id)
            if job is None or job.state != "running":
                return False
            most = await pool.count_within(session, self._project, _BATCH, job.cursor)
            items = await pool.in_states(session, self._project, most, job.cursor)
        # What was recorded is asked for before anything else is decided: a review queue that is
        # away, or slow, holds the job up.
        if job.asks:
            await self._resources.posting.post_pending(self._project)
        promise = await judge_promise(self._resources, project, self._version)
        refusal = promise.status.refusal
        if refusal is not None:
            # A suspended promise must not send the whole rest of the pool to people.
            raise NothingCertified(
                f"stopped: {_WHY.get(refusal, refusal)}; begin it again once the promise holds"
            )
        usable = [item for item in items if not check_data(item.data, project.fields)]
        data = [item.data for item in usable]
        decided = await decide(self._project, self._version, promise, data)
        by_id = {item.item_id: found for item, found in zip(usable, decided, strict=True)}
        return await self._record(items, by_id, promise)

    async def _record(
        self,
        items: Sequence[PoolItem],
        decided: Decided,
        promise: JudgedPromise,
    ) -> bool:
        resources = self._resources
        async with locking(resources.database, self._project) as (session, _):
            job = await repository.lock(session, self._job_id)
            if job is None or job.state != "running":
                return False
            if not items:
                job.state, job.finished_at = "succeeded", resources.now()
                return False
            ids = [item.item_id for item in items]
            # People may have been asked about some of them meanwhile, or they were erased.
            waiting = await pool.still_waiting(session, self._project, ids)
            given = [
                self._label(item_id, *decided[item_id], promise)
                for item_id in waiting & decided.keys()
                if decided[item_id][1].decision == "answered"
            ]
            answered = {row["item_id"] for row in given}
            rejected = waiting - decided.keys()
            await labels.add(session, self._project, given)
            left = (waiting & decided.keys()) - answered
            await self._leave(session, job, {item_id: decided[item_id] for item_id in left})
            note_population(job, promise)
            job.cursor = items[-1].order_key
            job.rows += len(waiting)
            job.done += len(items)
            job.answered += len(answered)
            job.rejected += len(rejected)
            job.declined += len(waiting) - len(answered) - len(rejected)
        return True

    async def _leave(self, session: Session, job: Job, declined: Decided) -> None:
        """Leave to people, or to wait on, what the version does not answer.

        They are no draw at random, so tasks stand in the lane of what a version is unsure of.
        """
        if job.asks:
            said = {item_id: self._prediction(*found) for item_id, found in declined.items()}
            await labels.ask(session, self._project, said)
        elif declined:
            await labels.leave_waiting(session, job, declined.keys(), self._resources.now())

    def _prediction(self, score: Score | None, decision: Decision) -> dict[str, Any]:
        """Return what the task says of the item, as a router's would."""
        return TaskPrediction(
            label=decision.suggestion,
            confidence=None if score is None else score.confidence,
            model_version=self._version.manifest.version,
            propensity=1.0,
            reason=decision.reason,
        ).model_dump(mode="json")

    def _label(
        self, item_id: str, score: Score | None, decision: Decision, promise: JudgedPromise
    ) -> dict[str, Any]:
        certificate = promise.certificate
        assert score is not None
        assert certificate is not None
        row = ModelLabel(
            project=self._project,
            item_id=item_id,
            label=decision.label or "",
            confidence=score.confidence,
            version=self._version.manifest.version,
            certificate_id=promise.certificate_id,
            target_accuracy=certificate.target_accuracy,
            promise_confidence=certificate.confidence,
            threshold=promise.status.threshold or certificate.threshold,
            population=certificate.population,
            job_id=self._job_id,
            given_at=self._resources.now(),
        )
        return row.model_dump()
