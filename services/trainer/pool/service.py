"""Import items, count them, and choose the next ones to be labelled."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import structlog

from services.trainer.content import content_hash
from services.trainer.erasure import repository as erasure
from services.trainer.pool import repository
from services.trainer.pool.messages import PoolCounts, PoolImport, RejectedLine
from services.trainer.pool.rows import ParsedLine
from services.trainer.projects.repository import lock_state
from services.trainer.projects.service import work_bell
from services.trainer.resources import Resources
from services.trainer.tables import PoolItem, ProjectState, insert_new
from shared.contracts.base import REJECTED_DETAIL_CHARACTERS, REJECTED_SHOWN
from shared.contracts.items import Item
from shared.db import Session

log = structlog.get_logger()

_IMPORT_BATCH = 500
_STATES = ("waiting", "asked", "passed", "answered", "refused", "erased")


async def import_lines(
    resources: Resources, project: str, lines: Iterable[ParsedLine]
) -> PoolImport:
    """Import parsed lines, 500 a transaction; repeating an import changes nothing.

    An item whose id or whose content the pool has is a duplicate; one whose id it has with other
    content is rejected.
    """
    imported = duplicates = rejected_count = 0
    shown: list[RejectedLine] = []
    for batch in _batches(lines):
        rejected = [_rejected(line.line, line.fault or "") for line in batch if line.item is None]
        items = [(line.line, line.item) for line in batch if line.item is not None]
        async with resources.database.transaction() as session:
            state = await lock_state(session, project)
            new, conflicts = await _add(resources, session, state, items)
        imported += new
        duplicates += len(items) - new - len(conflicts)
        rejected = sorted(rejected + conflicts, key=lambda entry: entry.line)
        rejected_count += len(rejected)
        shown += rejected[: REJECTED_SHOWN - len(shown)]
    await resources.bells.ring(work_bell(project))
    return PoolImport(
        imported=imported, duplicates=duplicates, rejected_count=rejected_count, rejected=shown
    )


def _rejected(line: int, detail: str) -> RejectedLine:
    # A pointer has the line's own keys, which may be as long as the line.
    return RejectedLine(line=line, detail=detail[:REJECTED_DETAIL_CHARACTERS])


def _batches(lines: Iterable[ParsedLine]) -> Iterator[list[ParsedLine]]:
    remaining = iter(lines)
    while batch := list(islice(remaining, _IMPORT_BATCH)):
        yield batch


async def _add(
    resources: Resources, session: Session, state: ProjectState, items: list[tuple[int, Item]]
) -> tuple[int, list[RejectedLine]]:
    hashes = [content_hash(item.data) for _, item in items]
    content_of, contents = await repository.known_items(
        session, state.project, [item.item_id for _, item in items], hashes
    )
    erased = await erasure.erased_among(session, state.project, (i.item_id for _, i in items))
    rows: list[dict[str, Any]] = []
    conflicts: list[RejectedLine] = []
    for (line, item), content in zip(items, hashes, strict=True):
        known = content_of.get(item.item_id)
        if item.item_id in erased:
            conflicts.append(_rejected(line, "/item_id was erased"))
        elif known is not None and known != content:
            conflicts.append(_rejected(line, "/item_id is in the pool with other data"))
        elif known is None and content not in contents:
            rows.append(_row(resources, state, item, content))
            content_of[item.item_id] = content
            contents.add(content)
    return await insert_new(session, PoolItem, rows), conflicts


def _row(resources: Resources, state: ProjectState, item: Item, content: str) -> dict[str, Any]:
    order = hashlib.sha256(f"{state.pool_seed}/{item.item_id}".encode()).hexdigest()
    return {
        "project": state.project,
        "item_id": item.item_id,
        "data": item.data,
        "item_metadata": item.metadata,
        "content_hash": content,
        "order_key": order,
        "state": "waiting",
        "posted": False,
        "imported_at": resources.now(),
    }


async def count(resources: Resources, project: str) -> PoolCounts:
    """Return the number of items by state."""
    async with resources.database.reading() as session:
        found = await repository.counts(session, project)
    states = {name: found.get(name, 0) for name in _STATES}
    return PoolCounts(**states, labelled=found["labelled"], total=sum(states.values()))


async def ask_batch(resources: Resources, project: str, size: int) -> int:
    """Ask people about the next `size` items of the random order; return how many there were.

    They are marked first and posted then: what the review queue did not acknowledge now, the
    worker posts later.
    """
    async with resources.database.transaction() as session:
        await lock_state(session, project)
        chosen = await repository.waiting(session, project, size)
        await repository.mark_asked(
            session, project, [item.item_id for item in chosen], posted=False
        )
    await resources.posting.post_or_leave(project)
    # The worker, here or elsewhere, posts what is left.
    await resources.bells.ring(work_bell(project))
    return len(chosen)
