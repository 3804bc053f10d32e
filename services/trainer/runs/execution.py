"""One run from its queue to its end: freeze labels, train in a process, publish."""

import asyncio
import shutil
from pathlib import Path

import structlog

from services.trainer.datasets.service import freeze
from services.trainer.models import Dataset, Run
from services.trainer.outcomes import repository as outcomes
from services.trainer.registry.publication import Made, discard, publish
from services.trainer.repository import lock_state
from services.trainer.resources import Resources, work_bell
from services.trainer.runs import files, repository
from services.trainer.runs.child import Child, fault_of
from shared import tracing
from shared.contracts.projects import Project

log = structlog.get_logger()

HEARTBEAT_SECONDS = 2.0
_STEP_SECONDS = 0.2


class Cancelled(Exception):  # noqa: N818 - not a fault
    """An operator cancelled the run."""


class RunFailed(Exception):  # noqa: N818 - named as the house names its problems
    """The run made no version; the message says why, for people."""


@tracing.traced("run")
async def execute(resources: Resources, project: Project, run_id: str) -> None:
    """Run a queued run to its end; whatever happens, its record says what."""
    claimed = await claim(resources, project.project, run_id)
    if claimed is None:
        return
    run, version = claimed
    tracing.note(project=project.project, run_id=run_id, mode=run.mode, version=version)
    folder = resources.runs_folder / run_id
    position: int | None = None
    try:
        dataset, position = await freeze(resources, project)
        await _note_dataset(resources, run_id, dataset.dataset_id)
        await _link_labels(resources, dataset, position)
        job = _job(resources, project, run)
        body = await resources.store.read(dataset.path) or b""
        await asyncio.to_thread(files.write_job, folder, job, body)
        model, result = await _train(resources, run, folder, job)
        await publish(resources, project, Made(run, version, dataset, position, model, result))
        tracing.note(state="succeeded")
    except Cancelled:
        await _finish(resources, run, "cancelled", "cancelled by an operator", position)
    except RunFailed as failure:
        await _finish(resources, run, "failed", str(failure), position)
    except Exception:
        log.exception("run_failed", project=project.project, run_id=run_id)
        detail = "the trainer could not carry the run out; its log has the cause"
        await discard(resources, project.project, version)
        await _finish(resources, run, "failed", detail, position)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        await resources.bells.ring(work_bell(project.project))


async def _link_labels(resources: Resources, dataset: Dataset, position: int) -> None:
    """Let the run's span point at the traces of its newest labels."""
    if not tracing.is_on():
        return
    tracing.note(dataset_id=dataset.dataset_id, items=dataset.items)
    async with resources.database.reading() as session:
        limit = tracing.MAX_LINKS
        tracing.link(await outcomes.newest_traces(session, dataset.project, position, limit))


async def claim(resources: Resources, project: str, run_id: str) -> tuple[Run, str] | None:
    """Take a queued run and a version number that nobody else will ever get."""
    async with resources.database.transaction() as session:
        state = await lock_state(session, project)
        run = await repository.find(session, project, run_id)
        if run is None or run.state != "queued":
            return None
        version = f"v{state.next_version}"
        state.next_version += 1
        run.state, run.version, run.owner = "running", version, resources.owner
        run.started_at = run.heartbeat_at = resources.now()
    log.info("run_started", project=project, run_id=run_id, version=version)
    return run, version


async def _note_dataset(resources: Resources, run_id: str, dataset_id: str) -> None:
    async with resources.database.transaction() as session:
        (await session.get_one(Run, run_id)).dataset_id = dataset_id


def _job(resources: Resources, project: Project, run: Run) -> files.Job:
    fields = [name for name, spec in project.fields.items() if spec.type == "text"]
    if not fields:
        raise RunFailed(f"recipe {run.recipe} needs a text field; the project has none")
    return files.Job(
        recipe=run.recipe,
        labels=project.labels,
        fields=fields,
        seed=0,
        memory_mib=resources.settings.run_memory_mib,
        cpu_seconds=resources.settings.run_cpu_seconds,
    )


async def _train(
    resources: Resources, run: Run, folder: Path, job: files.Job
) -> tuple[bytes, files.Result]:
    """Train in a process, beating the heart of the run's record meanwhile."""
    child = await Child.start(folder)
    try:
        with resources.bells.hearing(work_bell(run.project)) as rung:
            status = None
            while status is None:
                await _beat(resources, run, child)
                status = await _wait(child, rung)
        await _beat(resources, run, child)
    finally:
        await child.end()
    outcome = await asyncio.to_thread(files.read_result, folder)
    if status != 0 or outcome is None:
        raise RunFailed(fault_of(status, folder, job))
    return outcome


async def _wait(child: Child, rung: asyncio.Event) -> int | None:
    """Wait one heartbeat for the end of the process; a bell (a cancellation) cuts it short."""
    waited = 0.0
    while waited < HEARTBEAT_SECONDS:
        status = await child.wait(_STEP_SECONDS)
        if status is not None:
            return status
        if rung.is_set():
            rung.clear()
            return None
        waited += _STEP_SECONDS
    return None


async def _beat(resources: Resources, run: Run, child: Child) -> None:
    async with resources.database.transaction() as session:
        is_cancelled = await repository.beat(
            session, run.run_id, resources.now(), child.progress, child.log_tail
        )
    if is_cancelled:
        raise Cancelled


async def _finish(
    resources: Resources, run: Run, state: str, detail: str, position: int | None
) -> None:
    """Record a run's end without a version; the labels it saw do not start another one."""
    async with resources.database.transaction() as session:
        locked = await lock_state(session, run.project)
        if position is not None:
            locked.trained_position = max(locked.trained_position, position)
        record = await session.get_one(Run, run.run_id)
        record.state, record.detail, record.finished_at = state, detail, resources.now()
    tracing.note(state=state, detail=detail)
    log.info("run_ended", project=run.project, run_id=run.run_id, state=state)
