"""Remove erased items from the snapshots in the store."""

import asyncio
from collections.abc import Set as AbstractSet

import structlog

from services.trainer.datasets import repository
from services.trainer.datasets.snapshot import canonical_lines, compress, read
from services.trainer.erasure import repository as erasure
from services.trainer.projects.repository import lock_state
from services.trainer.resources import Resources

log = structlog.get_logger()


async def clean_snapshots(resources: Resources, project: str) -> int:
    """Rewrite the project's snapshots without the items erased since; return how many items.

    A snapshot keeps its id, the digest of what it was made of, and its counts; `erased` says how
    many lines it lacks. Items stay marked as pending until every file is done, so a crash repeats
    the work. They also stay so while a run freezes labels: its file may still hold the items.
    """
    async with resources.database.reading() as session:
        erased = await erasure.pending(session, project)
        # In this order: a run that begins after the first query reads the labels without them.
        again = await repository.is_freezing(session, project)
    if not erased:
        return 0
    left: dict[str, int] = {}
    # By the store, not by the records: a run that died may have left a file without one.
    for path in await resources.store.files(f"{project}/datasets"):
        left[path] = await _clean(resources, path, erased)
    async with resources.database.transaction() as session:
        await lock_state(session, project)
        for path, dataset in (await repository.by_path(session, project)).items():
            if path in left:
                dataset.erased = dataset.items - left[path]
        if again:
            return 0
        await erasure.finish(session, project, erased)
    log.info("items_erased", project=project, items=len(erased), snapshots=len(left))
    return len(erased)


async def _clean(resources: Resources, path: str, erased: AbstractSet[str]) -> int:
    """Remove the lines of erased items from a snapshot; return how many are left."""
    body, tag = await resources.store.read_tagged(path)
    items = [] if body is None else await asyncio.to_thread(read, body)
    kept = [item for item in items if item.item_id not in erased]
    if len(kept) < len(items):
        lines = await asyncio.to_thread(canonical_lines, kept)
        # Never over what another trainer has cleaned of more items meanwhile.
        await resources.store.replace(path, await asyncio.to_thread(compress, lines), tag)
    return len(kept)
