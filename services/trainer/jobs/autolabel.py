"""Label the rest of a pool under the promise: certified answers become labels, the others tasks.

A batch is decided, then recorded in one transaction: its items leave the states in which they wait,
so a job that broke off, or is begun again, goes on with what is left.
"""

from collections.abc import Sequence
from typing import Any

from services.trainer.jobs import repository
from services.trainer.jobs.deciding import Standing, decide, standing_of
from services.trainer.jobs.labels import repository as labels
from services.trainer.jobs.messages import AutolabelRequest, JobView
from services.trainer.jobs.service import JOBS_BELL, champion, view
from services.trainer.projects.repository import lock_state
from services.trainer.registry.scores import LoadedVersion
from services.trainer.resources import Resources
from services.trainer.tables import Job, ModelLabel, PoolItem
from shared.contracts.items import check_data
from shared.contracts.projects import Project
from shared.contracts.tasks import NewTask, TaskPrediction
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
    resources: Resources, project: Project, wanted: AutolabelRequest, requested_by: str
) -> JobView:
    """Queue a job; one that is active is returned instead.

    Raises `NothingServes`, or `Conflict` where the promise of the version that serves does not
    hold, or nothing waits in the pool.
    """
    async with resources.database.transaction() as session:
        version = await champion(session, project)
        for job in await repository.active(session, project.project):
            if job.kind == "autolabel":
                return view(job)
        size = await labels.count_waiting(session, project.project)
        if not size:
            raise Conflict("No item of the pool waits for a label.")
        if version.certificate is None:
            raise Conflict(f"{version.version} is not certified: its answers become no labels.")
        job = Job(
            project=project.project,
            kind="autolabel",
            requested_by=requested_by,
            version=version.version,
            asks=wanted.ask,
            size=size,
            created_at=resources.now(),
        )
        session.add(job)
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
            items = await labels.next_waiting(session, self._project, job.cursor, _BATCH)
        standing = await standing_of(self._resources, project, self._version)
        refusal = standing.status.refusal
        if refusal is not None:
            # A suspended promise must not send the whole rest of the pool to people.
            raise NothingCertified(
                f"stopped: {_WHY.get(refusal, refusal)}; begin it again once the promise holds"
            )
        usable = [item for item in items if not check_data(item.data, project.fields)]
        data = [item.data for item in usable]
        decided = await decide(self._project, self._version, standing, data)
        by_id = {item.item_id: found for item, found in zip(usable, decided, strict=True)}
        asked = await self._ask(usable, by_id) if job.asks else {}
        return await self._record(items, by_id, standing, asked)

    async def _ask(self, items: Sequence[PoolItem], decided: Decided) -> dict[str, bool]:
        """Post tasks of the items that are not answered; say of each whether it was taken.

        Tasks come first: asked for again after a crash, an item has its task already. They are no
        draw at random, so they stand in the lane of what a version is unsure of.
        """
        tasks = [
            _task(item, *decided[item.item_id], self._version.manifest.version)
            for item in items
            if decided[item.item_id][1].decision != "answered"
        ]
        if not tasks:
            return {}
        receipts = await self._resources.queue.post(self._project, tasks)
        return {one.item_id: one.status in ("created", "existing") for one in receipts}

    async def _record(
        self,
        items: Sequence[PoolItem],
        decided: Decided,
        standing: Standing,
        asked: dict[str, bool],
    ) -> bool:
        resources = self._resources
        async with resources.database.transaction() as session:
            await lock_state(session, self._project)
            job = await repository.lock(session, self._job_id)
            if job is None or job.state != "running":
                return False
            if not items:
                job.state, job.finished_at = "succeeded", resources.now()
                return False
            ids = [item.item_id for item in items]
            # People may have been asked about some of them meanwhile, or they were erased.
            waiting = await labels.still_waiting(session, self._project, ids)
            given = [
                self._label(item_id, *decided[item_id], standing)
                for item_id in waiting & decided.keys()
                if decided[item_id][1].decision == "answered"
            ]
            answered = {row["item_id"] for row in given}
            rejected = waiting - decided.keys()
            await labels.add(session, self._project, given)
            await self._leave(session, job, (waiting & decided.keys()) - answered, asked)
            job.cursor = items[-1].order_key
            job.rows += len(waiting)
            job.done += len(items)
            job.answered += len(answered)
            job.rejected += len(rejected)
            job.declined += len(waiting) - len(answered) - len(rejected)
        return True

    async def _leave(
        self, session: Session, job: Job, declined: set[str], asked: dict[str, bool]
    ) -> None:
        """Leave to people, or to wait on, what the version does not answer."""
        taken = {item_id for item_id in declined if asked.get(item_id)}
        refused = (declined & asked.keys()) - taken
        left = declined - asked.keys()
        await labels.leave(session, self._project, taken, "asked")
        await labels.leave(session, self._project, refused, "refused")
        if left:
            await labels.leave(session, self._project, left, "waiting")
            await labels.note_declined(session, job, len(left), self._resources.now())

    def _label(
        self, item_id: str, score: Score | None, decision: Decision, standing: Standing
    ) -> dict[str, Any]:
        certificate = standing.certificate
        assert score is not None
        assert certificate is not None
        row = ModelLabel(
            project=self._project,
            item_id=item_id,
            label=decision.label or "",
            confidence=score.confidence,
            version=self._version.manifest.version,
            certificate_id=standing.certificate_id,
            target_accuracy=certificate.target_accuracy,
            promise_confidence=certificate.confidence,
            threshold=standing.status.threshold or certificate.threshold,
            job_id=self._job_id,
            given_at=self._resources.now(),
        )
        return row.model_dump()


def _task(item: PoolItem, score: Score | None, decision: Decision, version: str) -> NewTask:
    """Return the task of an item that is not answered, as a router would ask for it."""
    prediction = TaskPrediction(
        label=decision.suggestion,
        confidence=None if score is None else score.confidence,
        model_version=version,
        propensity=1.0,
        reason=decision.reason,
    )
    return NewTask(
        item_id=item.item_id,
        data=item.data,
        metadata=item.item_metadata,
        lane="mandatory",
        prediction=prediction,
    )
