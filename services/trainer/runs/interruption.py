"""Find runs whose trainer died, mark them as interrupted and remove their files."""

import asyncio
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from services.trainer.projects.repository import active_runs, locking
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from services.trainer.runs import repository
from services.trainer.runs.publication import discard
from services.trainer.runs.repository import INTERRUPTED
from services.trainer.tables import ProjectState, Run
from services.trainer.writer_lease.owners import is_gone
from shared.contracts.certificates import CLOCK_SKEW
from shared.db import Session

log = structlog.get_logger()

_STALE = timedelta(seconds=10)
# A run that takes the trainer with it each time is not started for ever.
_RESTARTS = 3


async def mark_interrupted(resources: Resources, project: str, *, own: bool = False) -> None:
    """Mark interrupted runs, and remove their folders and half-published versions.

    A run is interrupted when its trainer is gone, or when this trainer could not record its end
    because the database was away. With `own`, all runs of this trainer are: it stops.
    """
    now = resources.now()

    def is_over(run: Run) -> bool:
        if run.owner == resources.owner:
            return own or run.run_id not in resources.under_way
        return is_dead(run, now)

    async with resources.database.reading() as session:
        if not any(map(is_over, await repository.running_of(session, project))):
            return
    async with locking(resources.database, project) as (session, state):
        dead = [run for run in await repository.running_of(session, project) if is_over(run)]
        folders = [resources.runs_folder / run.run_id for run in dead]
        halves = await _mark(session, state, dead, now)
    await asyncio.to_thread(_remove, folders)
    for version in halves:
        await discard(resources, project, version)
    if dead:
        log.warning("runs_interrupted", project=project, runs=len(dead))


async def remove_left_folders(resources: Resources) -> None:
    """Remove the folders of runs that have ended: a trainer that was killed leaves them."""
    root = resources.runs_folder
    # Before the runs are asked for: a folder is made only once its run is recorded as running.
    folders = await asyncio.to_thread(lambda: list(root.iterdir()) if root.exists() else [])
    if not folders:
        return
    async with resources.database.reading() as session:
        running = {run_id for _, run_id, _ in await active_runs(session)}
    busy = {*running, *resources.under_way}
    left = [folder for folder in folders if folder.name not in busy]
    await asyncio.to_thread(_remove, left)
    if left:
        log.warning("run_folders_removed", folders=len(left))


def _remove(folders: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def is_dead(run: Run, now: datetime) -> bool:
    """Say whether the run's trainer is gone, or silent for 10 s."""
    if run.owner is None or run.heartbeat_at is None:
        return True
    # One from further ahead than clocks differ tells nothing of the present.
    if not -CLOCK_SKEW <= now - run.heartbeat_at <= _STALE:
        return True
    return is_gone(run.owner)


async def _mark(
    session: Session, state: ProjectState, dead: Sequence[Run], now: datetime
) -> list[str]:
    """Mark runs as interrupted; return the versions that they may have half published."""
    halves = []
    for run in dead:
        run.state, run.detail, run.finished_at = "failed", INTERRUPTED, now
        await session.flush()
        if run.version and not await registry.find(session, state.project, run.version):
            halves.append(run.version)
        if (
            run.dataset_id is not None
            and run.mode != "upload"
            and await repository.count_interrupted(session, state.project, run.dataset_id)
            >= _RESTARTS
        ):
            state.trained_position = state.outcomes_seen
    return halves
