"""One run from its queue to its end: freeze labels, work in a process, publish.

Its record is kept true whatever happens. Uploads are runs too, whose process checks a model.
"""

import asyncio
import contextlib
import gzip
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from services.trainer.child import Child, working_folder
from services.trainer.datasets.service import freeze
from services.trainer.encoders import stored as encoders
from services.trainer.projects.repository import locking
from services.trainer.projects.service import work_bell
from services.trainer.recipes.installed import installed_recipes, unknown_recipe
from services.trainer.resources import Resources
from services.trainer.runs import files, repository
from services.trainer.runs.comparing import terms_of
from services.trainer.runs.due import older_weight
from services.trainer.runs.files import RunFailed
from services.trainer.runs.publication import ActiveRun, discard, publish
from services.trainer.tables import Dataset, ProjectState, Run
from shared import tracing
from shared.child_limits import memory_mib
from shared.contracts.projects import Project

log = structlog.get_logger()

TRAINING = "services.trainer.runs.training"
"""The module of a run's process."""
_HEARTBEAT_SECONDS = 2.0
_EMPTY = gzip.compress(b"")
HEAD = "head"
"""The recipe that learns on the project's own encoder, where it has one."""


class Cancelled(Exception):  # noqa: N818 - not a fault
    """An operator cancelled the run."""


@tracing.traced("run")
async def execute(resources: Resources, project: Project, run_id: str) -> None:
    """Carry out a queued run; its record shows how it ended."""
    claimed = await claim(resources, project.project, run_id)
    if claimed is None:
        return
    with contextlib.suppress(Exception):
        async with carrying_out(resources, *claimed) as active:
            tracing.note(mode=active.run.mode)
            active.dataset, active.position = await freeze_labels(resources, project, active.run)
            await _link_labels(resources, active.dataset, active.position)
            await publish(resources, project, active, await _train(resources, project, active))


async def _link_labels(resources: Resources, dataset: Dataset, position: int) -> None:
    """Let the run's span point at the traces of its newest labels."""
    if not tracing.is_on():
        return
    tracing.note(dataset_id=dataset.dataset_id, items=dataset.items)
    async with resources.database.reading() as session:
        limit = tracing.MAX_LINKS
        tracing.link(await repository.newest_traces(session, dataset.project, position, limit))


async def claim(resources: Resources, project: str, run_id: str) -> tuple[Run, str] | None:
    """Take a queued run and a version number that no other run gets."""
    async with locking(resources.database, project) as (session, state):
        run = await session.get_one(Run, run_id)
        if run.state != "queued":
            return None
        version = start(resources, state, run)
    return run, version


def start(resources: Resources, state: ProjectState, run: Run) -> str:
    """Mark a run as running here, in the caller's transaction; return its version's name."""
    version = f"v{state.next_version}"
    state.next_version += 1
    run.state, run.version, run.owner = "running", version, resources.owner
    run.started_at = run.heartbeat_at = resources.now()
    # Before the commit: from then on it counts as lost where it is not under way.
    resources.under_way.add(run.run_id)
    log.info("run_started", project=run.project, run_id=run.run_id, version=version)
    return version


async def _train(resources: Resources, project: Project, active: ActiveRun) -> files.Result:
    recipe = installed_recipes().get(active.run.recipe)
    if recipe is None:
        raise RunFailed(
            f"this trainer has no recipe {active.run.recipe}: {unknown_recipe(active.run.recipe)}"
        )
    if not active.dataset.items:
        raise RunFailed("training needs labels; there are none yet")
    async with resources.database.reading() as session:
        older = await older_weight(session, project.project, active.run.mode)
    encoder = await _encoder(resources, project, active)
    job = files.TrainingJob(
        recipe=recipe,
        labels=project.labels,
        fields={name: spec.model_dump(mode="json") for name, spec in project.fields.items()},
        seed=0,
        older=older,
        encoder=encoder,
        terms=terms_of(project),
        auto_seconds=resources.settings.auto_seconds,
        memory_mib=memory_mib(resources.settings.run_memory_mib),
        cpu_seconds=resources.settings.run_cpu_seconds,
    )
    return await run_process(resources, active, TRAINING, job)


async def _encoder(
    resources: Resources, project: Project, active: ActiveRun
) -> dict[str, Any] | None:
    """Put the project's own encoder into the run's folder, and describe it: for recipe `head`."""
    if active.run.recipe != HEAD:
        return None
    found = await encoders.current(resources, project.project)
    if found is None:
        return None
    body = await encoders.graph_of(resources, project.project, found)
    if body is None:
        raise RunFailed("the project's encoder is not in the store as it was: upload it again")
    await asyncio.to_thread(active.folder.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread((active.folder / files.ENCODER).write_bytes, body)
    return found.model_dump(mode="json")


@contextlib.asynccontextmanager
async def carrying_out(resources: Resources, run: Run, version: str) -> AsyncIterator[ActiveRun]:
    """Carry out a started run in the block; record an exception of the block, and raise it again.

    After a fault of the trainer, what was published of the version is removed.
    """
    active = ActiveRun(run, version, resources.runs_folder / run.run_id)
    tracing.note(project=run.project, run_id=run.run_id, version=version)
    try:
        yield active
        tracing.note(state="succeeded")
    except Cancelled:
        await _finish(resources, active, "cancelled", "cancelled by an operator")
        raise
    except RunFailed as failure:
        await _finish(resources, active, "failed", str(failure))
        raise
    except Exception:
        log.exception("run_failed", project=run.project, run_id=run.run_id)
        await discard(resources, run.project, version)
        detail = "the trainer could not carry the run out; its log has the cause"
        await _finish(resources, active, "failed", detail)
        raise
    finally:
        resources.under_way.discard(run.run_id)
        await asyncio.to_thread(shutil.rmtree, active.folder, ignore_errors=True)
        await resources.bells.ring(work_bell(run.project))


async def freeze_labels(resources: Resources, project: Project, run: Run) -> tuple[Dataset, int]:
    """Freeze the labels for a run, and note the snapshot in its record.

    Erasures wait while a running run has none noted: its file may still come.
    """
    async with resources.database.reading() as session:
        change = await repository.last_change(session, project.project)
    began = None if change is None else change.began
    dataset, position = await freeze(resources, project, run.mode, began)
    async with resources.database.transaction() as session:
        (await session.get_one(Run, run.run_id)).dataset_id = dataset.dataset_id
    return dataset, position


async def run_process(
    resources: Resources,
    active: ActiveRun,
    module: str,
    job: files.ProcessWork,
    *,
    seconds: float = float("inf"),
) -> files.Result:
    """Run `module` as a process on a job and the run's dataset, and return its result.

    The run's record shows a heartbeat meanwhile. After `seconds` the process is ended.
    """
    body = await resources.store.read(active.dataset.path) or b""
    await asyncio.to_thread(files.write_job, active.folder, job, body)
    child = await Child.start(module, active.folder)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    try:
        with resources.bells.hearing(work_bell(active.run.project)) as rung:
            while not child.ended.done() and loop.time() < deadline:
                await _beat(resources, active.run, child)
                await _wait(child, rung)
        await _beat(resources, active.run, child)
        if not child.ended.done():
            raise RunFailed(f"it was not done within {seconds:g} s")
    finally:
        await child.end()
    return await _result_of(child, active.folder, job)


async def run_apart(
    resources: Resources,
    what: str,
    module: str,
    job: files.ProcessWork,
    dataset: bytes = _EMPTY,
    *,
    seconds: float,
    more: Mapping[str, bytes] | None = None,
) -> files.Result:
    """Run `module` as a process that belongs to no run, with `more` files, for up to `seconds`.

    `what` is that of `working_folder`. Raises `RunFailed`: the process left a fault, or was not
    done in time.
    """
    async with working_folder(resources.runs_folder, what, resources.under_way) as folder:
        await asyncio.to_thread(files.write_job, folder, job, dataset)
        for name, body in (more or {}).items():
            await asyncio.to_thread((folder / name).write_bytes, body)
        child = await Child.start(module, folder)
        if not await child.ends_within(seconds):
            raise RunFailed("it was not done in time")
        return await _result_of(child, folder, job)


async def _result_of(child: Child, folder: Path, job: files.ProcessWork) -> files.Result:
    """Return what an ended process left in its folder; `RunFailed`: nothing, or a fault."""
    status, result = child.ended.result(), await asyncio.to_thread(files.read_result, folder)
    if status < 0:
        raise RunFailed(
            f"its process was ended by signal {-status}; its limits are {job.cpu_seconds} s of "
            f"processor time and {job.memory_mib} MiB of memory"
        )
    if status != 0 or result is None:
        raise RunFailed(
            f"its process failed with status {status}; the run's log has its last words"
        )
    return result


async def _wait(child: Child, rung: asyncio.Event) -> None:
    """Wait one heartbeat for the end of the process; a bell (a cancellation) cuts it short."""
    bell = asyncio.create_task(rung.wait())
    ends = {child.ended, bell}
    await asyncio.wait(ends, timeout=_HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    bell.cancel()
    rung.clear()


async def _beat(resources: Resources, run: Run, child: Child) -> None:
    async with resources.database.transaction() as session:
        is_cancelled = await repository.beat(
            session, run.run_id, resources.now(), child.progress, child.log_tail
        )
    if is_cancelled:
        raise Cancelled


async def _finish(resources: Resources, active: ActiveRun, state: str, detail: str) -> None:
    """Record a run's end without a version."""
    run = active.run
    async with locking(resources.database, run.project) as (session, locked):
        if active.position is not None:
            locked.trained_position = max(locked.trained_position, active.position)
        record = await session.get_one(Run, run.run_id)
        record.state, record.detail, record.finished_at = state, detail, resources.now()
    tracing.note(state=state, detail=detail)
    log.info("run_ended", project=run.project, run_id=run.run_id, state=state)
