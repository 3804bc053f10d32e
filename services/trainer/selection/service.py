"""Choose the next items of the pool, and ask people about them."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from services.trainer.child import Child, working_folder
from services.trainer.idempotency.service import KeyedRequest, KeyReused
from services.trainer.pool import repository as pool
from services.trainer.pool.service import reserve_of
from services.trainer.projects.repository import locking
from services.trainer.projects.service import work_bell
from services.trainer.registry import repository as registry
from services.trainer.registry.scores import fits_project
from services.trainer.resources import Resources
from services.trainer.selection import repository
from services.trainer.selection.candidates import write_candidates
from services.trainer.selection.job import MODEL, SelectionJob, read_choice, write_job
from services.trainer.selection.messages import Batch, BatchRequest
from services.trainer.tables import (
    UNIFORM_ARM,
    PoolBatch,
    PoolItem,
    Version,
    page_before,
    update_items,
)
from shared.contracts.projects import Project
from shared.db import Session
from shared.problems import Unavailable
from shared.store import model_path

log = structlog.get_logger()

_PROCESS = "services.trainer.selection.process"
# The memory of a process that holds 20,000 items, and its time for them: some seconds.
_MEMORY_MIB, _SECONDS = 4096, 120
_PAGE = 1_000
REMAINING_ARM = "remaining"
# Arms of items that a strategy chose.
CHOOSING = ("typiclust", "margin")


@dataclass(frozen=True)
class Choice:
    """What a strategy has chosen, best first, from `candidates` items."""

    used: str
    item_ids: Sequence[str] = ()
    candidates: int = 0
    version: str | None = None


async def ask_batch(
    resources: Resources,
    project: Project,
    wanted: BatchRequest,
    subject: str,
    key: str | None = None,
) -> Batch:
    """Choose a batch and ask people about it; the same key gives the same batch, once.

    Items are marked first and posted then: what the review queue did not acknowledge now, the
    worker posts later. Raises `KeyReused`, and `Unavailable` where the choice could not be made.
    """
    name, request = project.project, KeyedRequest.of("batch", key, wanted)
    async with resources.database.reading() as session:
        before = await _before(session, name, request, resources.now())
    if before is not None:
        return view(before)
    choice = Choice("random")
    if wanted.strategy != "random":
        await _set_aside(resources, project)
        choice = await _choose(resources, project, wanted)
    async with locking(resources.database, name) as (session, _):
        before = await _before(session, name, request, resources.now())
        if before is not None:
            return view(before)
        batch = _empty_batch(project, wanted, choice, subject, resources.now())
        batch.arms = await _take(session, batch, choice, project.promise.exploration_rate)
        batch.tasks = sum(batch.arms.values())
        batch.chosen = sum(batch.arms.get(arm, 0) for arm in CHOOSING)
        session.add(batch)
        await request.record(session, name, batch.batch_id, resources.now())
    await resources.posting.post_or_leave(name)
    # The worker, here or elsewhere, posts what is left.
    await resources.bells.ring(work_bell(name))
    log.info("batch_asked", project=name, used=batch.used, **batch.arms)
    return view(batch)


async def _set_aside(resources: Resources, project: Project) -> None:
    """Before anything is chosen, set aside what no import did: the release before had no reserve.

    As long as nothing was chosen, what waits is a uniform sample, and so is a share of it.
    """
    name, after = project.project, ""
    while True:
        async with locking(resources.database, name) as (session, state):
            if "waiting" not in await pool.uniform_states(session, name):
                return
            page = await pool.waiting_ids(session, name, _PAGE, after)
            if not page:
                return
            reserve = reserve_of(state, project)
            drawn = [item_id for item_id, _ in page if reserve.takes(item_id)]
            await update_items(session, PoolItem, name, drawn, state="reserved")
        after = page[-1][1]


def _empty_batch(
    project: Project, wanted: BatchRequest, choice: Choice, subject: str, now: datetime
) -> PoolBatch:
    return PoolBatch(
        project=project.project,
        strategy=wanted.strategy,
        used=choice.used,
        size=wanted.size,
        candidates=choice.candidates,
        version=choice.version,
        requested_by=subject,
        created_at=now,
    )


async def _before(
    session: Session, project: str, request: KeyedRequest, now: datetime
) -> PoolBatch | None:
    """Return the batch that the request was given before."""
    batch_id = await request.created(session, project, now)
    if batch_id is not None:
        return await session.get(PoolBatch, batch_id)
    # The release before recorded keys with the batches.
    before = None if request.key is None else await repository.by_key(session, project, request.key)
    if before is None:
        return None
    wanted = BatchRequest.model_validate({"strategy": before.strategy, "size": before.size})
    if KeyedRequest.of(request.kind, request.key, wanted) != request:
        raise KeyReused
    return before


async def _take(
    session: Session, batch: PoolBatch, choice: Choice, exploration_rate: float
) -> dict[str, int]:
    """Mark the items of a batch; return how many of each arm.

    What others have taken meanwhile is left out.
    """
    name, batch_id, arms = batch.project, batch.batch_id, dict[str, int]()
    # While the project is locked: as long as nothing was chosen, what waits is a uniform sample.
    is_whole = "waiting" in await pool.uniform_states(session, name)
    waiting = ("waiting", UNIFORM_ARM if is_whole else REMAINING_ARM)
    reserve = ("reserved", UNIFORM_ARM)
    if choice.used == "random":
        # Of a pool from which something was chosen, the reserve is left for certifications.
        sources, n_random = [waiting, reserve] if is_whole else [waiting], batch.size
    else:
        sources, n_random = [reserve, waiting], math.floor(batch.size * exploration_rate + 0.5)
    # The reserve is a share that a key decides: an item may be drawn wherever it waits.
    left_before = await pool.count_waiting(session, name)
    for source, arm in sources:
        left = n_random - sum(arms.values())
        items = await pool.in_states(session, name, left, "", (source,)) if left > 0 else []
        ids = [item.item_id for item in items]
        chance = min(1.0, len(ids) / max(1, left_before))
        taken = await pool.ask_about(
            session, name, ids, batch_id=batch_id, arm=arm, propensity=chance
        )
        arms[arm] = arms.get(arm, 0) + taken
    ids = list(choice.item_ids[: batch.size - sum(arms.values())])
    chosen = await pool.ask_about(
        session, name, ids, batch_id=batch_id, arm=choice.used, propensity=1.0
    )
    arms[choice.used] = arms.get(choice.used, 0) + chosen
    return {arm: count for arm, count in arms.items() if count}


async def _choose(resources: Resources, project: Project, wanted: BatchRequest) -> Choice:
    """Let a process choose among a sample of what waits."""
    champion, model = None, None
    if wanted.strategy in {"auto", "margin"}:
        champion, model = await _champion(resources, project)
    used = "typiclust" if model is None else "margin"
    root, busy = resources.runs_folder, resources.under_way
    async with resources.choosing, working_folder(root, "selection", busy) as folder:
        found = await write_candidates(resources, project, folder)
        if not found.item_ids:
            return Choice(used)
        if model is not None:
            await asyncio.to_thread((folder / MODEL).write_bytes, model)
        job = SelectionJob(
            size=wanted.size,
            covered=found.covered,
            strategy=used,
            seed=0,
            fields={name: spec.model_dump(mode="json") for name, spec in project.fields.items()},
            memory_mib=min(_MEMORY_MIB, resources.settings.run_memory_mib),
            cpu_seconds=_SECONDS,
            run_seconds=resources.settings.model_run_seconds,
            manifest={} if champion is None else champion.manifest,
        )
        places = await _run(folder, job)
    return Choice(
        used=used,
        item_ids=[found.item_ids[place] for place in places],
        candidates=len(found.item_ids),
        version=None if champion is None else champion.version,
    )


async def _champion(resources: Resources, project: Project) -> tuple[Version | None, bytes | None]:
    """Return the champion and its model; neither where none can score the project's items."""
    async with resources.database.reading() as session:
        champion = await registry.champion(session, project.project)
    if champion is None or not fits_project(champion, project):
        return None, None
    model = await resources.store.read(model_path(project.project, champion.version))
    return (None, None) if model is None else (champion, model)


async def _run(folder: Path, job: SelectionJob) -> list[int]:
    await asyncio.to_thread(write_job, folder, job)
    child = await Child.start(_PROCESS, folder)
    if not await child.ends_within(_SECONDS):
        log.warning("selection_too_slow", seconds=_SECONDS)
    chosen = await asyncio.to_thread(read_choice, folder)
    if chosen is None:
        log.warning("selection_failed", status=child.ended.result(), output=child.log_tail[-2000:])
        detail = "The batch could not be chosen; the trainer's log says why. Strategy random does"
        raise Unavailable(f"{detail} without a choice.", retry_after_seconds=60)
    return chosen


async def list_batches(
    resources: Resources, project: str, before: str | None, limit: int
) -> list[Batch]:
    """Return batches, newest first."""
    async with resources.database.reading() as session:
        page = await page_before(session, PoolBatch, project, PoolBatch.batch_id, before, limit)
    return [view(batch) for batch in page]


def view(batch: PoolBatch) -> Batch:
    """Return a batch as the API shows it."""
    return Batch.model_validate(batch, from_attributes=True)
