"""A run under way: its process attended, its record kept true whatever happens."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.trainer.datasets.service import freeze
from services.trainer.projects.repository import lock_state
from services.trainer.projects.service import work_bell
from services.trainer.resources import Resources
from services.trainer.runs import files, repository
from services.trainer.runs.child import Child, fault_of
from services.trainer.runs.publication import discard
from services.trainer.tables import Dataset, Run
from shared import tracing
from shared.contracts.projects import Project

log = structlog.get_logger()

HEARTBEAT_SECONDS = 2.0
_STEP_SECONDS = 0.2


class Cancelled(Exception):  # noqa: N818 - not a fault
    """An operator cancelled the run."""


class RunFailed(Exception):  # noqa: N818 - named as the house names its problems
    """The run made no version; the message says why, for people.

    `pointer` is the place in what was sent that is at fault; empty when nothing was sent.
    """

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.pointer = pointer


@dataclass
class Work:
    """A run, the version it is to make, and the folder it works in.

    `position` is how far a training run has looked at the labels: when it fails, those labels
    start no other one.
    """

    run: Run
    version: str
    folder: Path
    position: int | None = None


@contextlib.asynccontextmanager
async def carrying_out(resources: Resources, run: Run, version: str) -> AsyncIterator[Work]:
    """Carry a started run out in the block; when it raises, the record says why, and it goes on.

    Raises
    ------
    Cancelled, RunFailed
        As the block does.
    Exception
        A fault of ours: logged, and what was published of the version removed.
    """
    work = Work(run, version, resources.runs_folder / run.run_id)
    tracing.note(project=run.project, run_id=run.run_id, version=version)
    try:
        yield work
        tracing.note(state="succeeded")
    except Cancelled:
        await _finish(resources, work, "cancelled", "cancelled by an operator")
        raise
    except RunFailed as failure:
        await _finish(resources, work, "failed", str(failure))
        raise
    except Exception:
        log.exception("run_failed", project=run.project, run_id=run.run_id)
        await discard(resources, run.project, version)
        detail = "the trainer could not carry the run out; its log has the cause"
        await _finish(resources, work, "failed", detail)
        raise
    finally:
        resources.under_way.discard(run.run_id)
        await asyncio.to_thread(shutil.rmtree, work.folder, ignore_errors=True)
        await resources.bells.ring(work_bell(run.project))


async def freeze_labels(resources: Resources, project: Project, run: Run) -> tuple[Dataset, int]:
    """Freeze the labels for a run, and note the snapshot in its record.

    As long as a run that goes on has none noted, erasures wait for the file that may still come.
    """
    dataset, position = await freeze(resources, project)
    async with resources.database.transaction() as session:
        (await session.get_one(Run, run.run_id)).dataset_id = dataset.dataset_id
    return dataset, position


async def attend(
    resources: Resources, work: Work, module: str, job: files.Job, *, seconds: float = 0.0
) -> files.Result:
    """Run `module` as a process on the job in the work's folder, and return what it leaves.

    The heart of the run's record beats meanwhile. After `seconds`, if they are given, the process
    is ended.

    Raises
    ------
    Cancelled
        An operator cancelled the run.
    RunFailed
        The process left no result.
    """
    child = await Child.start(module, work.folder)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds if seconds else float("inf")
    try:
        with resources.bells.hearing(work_bell(work.run.project)) as rung:
            status = None
            while status is None and loop.time() < deadline:
                await _beat(resources, work.run, child)
                status = await _wait(child, rung)
        await _beat(resources, work.run, child)
    finally:
        await child.end()
    if status is None:
        raise RunFailed(f"it was not done within {seconds:g} s", "/model")
    result = await asyncio.to_thread(files.read_result, work.folder)
    if status != 0 or result is None:
        raise RunFailed(*fault_of(status, work.folder, job))
    return result


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


async def _finish(resources: Resources, work: Work, state: str, detail: str) -> None:
    """Record a run's end without a version."""
    run = work.run
    async with resources.database.transaction() as session:
        locked = await lock_state(session, run.project)
        if work.position is not None:
            locked.trained_position = max(locked.trained_position, work.position)
        record = await session.get_one(Run, run.run_id)
        record.state, record.detail, record.finished_at = state, detail, resources.now()
    tracing.note(state=state, detail=detail)
    log.info("run_ended", project=run.project, run_id=run.run_id, state=state)
