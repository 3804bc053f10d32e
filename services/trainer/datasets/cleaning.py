"""Remove erased items from the snapshots and the results of jobs in the store."""

import asyncio
import gzip
from collections.abc import Set as AbstractSet

import orjson
import structlog

from services.trainer.datasets import repository
from services.trainer.datasets.snapshot import compress
from services.trainer.erasure import repository as erasure
from services.trainer.projects.repository import locking
from services.trainer.resources import Resources
from services.trainer.tables import OutcomeRow, update_items

log = structlog.get_logger()

# Files of JSON Lines, compressed, each line with an `item_id`.
_FOLDERS = ("datasets", "jobs")
_ENDING = ".jsonl.gz"


async def clean_snapshots(resources: Resources, project: str) -> int:
    """Rewrite the project's snapshots and results without the items erased since; return how many.

    A snapshot keeps its id, the digest of what it was made of, and its counts; `erased` says how
    many lines it lacks. Items stay marked as pending until every file is done, so a crash repeats
    the work. They also stay so while a run freezes labels: its file may still hold the items. A job
    that writes a result looks for erased items before it records it.
    """
    async with resources.database.reading() as session:
        erased = await erasure.pending(session, project)
        # In this order: a run that begins after the first query reads the labels without them.
        again = await repository.is_freezing(session, project)
    if not erased:
        return 0
    left: dict[str, int] = {}
    # By the store, not by the records: a run that died may have left a file without one.
    for folder in _FOLDERS:
        for path in await resources.store.files(f"{project}/{folder}"):
            if path.endswith(_ENDING):
                left[path] = await _clean(resources, path, erased)
    async with locking(resources.database, project) as (session, _):
        for path, dataset in (await repository.by_path(session, project)).items():
            if path in left:
                dataset.erased = dataset.items - left[path]
        if again:
            return 0
        await update_items(session, OutcomeRow, project, erased, erasure="done")
    log.info("items_erased", project=project, items=len(erased), files=len(left))
    return len(erased)


async def _clean(resources: Resources, path: str, erased: AbstractSet[str]) -> int:
    """Remove the lines of erased items from a file; return how many are left."""
    body, tag = await resources.store.read_tagged(path)
    if body is None:
        return 0
    lines = (await asyncio.to_thread(gzip.decompress, body)).splitlines(keepends=True)
    kept = [line for line in lines if orjson.loads(line)["item_id"] not in erased]
    if len(kept) < len(lines):
        # Never over what another trainer has cleaned of more items meanwhile.
        packed = await asyncio.to_thread(compress, b"".join(kept))
        await resources.store.replace(path, packed, tag)
    return len(kept)
