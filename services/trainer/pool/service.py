"""Import items, and count them."""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from services.trainer.content import content_hash
from services.trainer.erasure import repository as erasure
from services.trainer.pool import repository
from services.trainer.pool.messages import (
    DuplicateLine,
    PoolCounts,
    PooledItem,
    PoolImport,
    RejectedLine,
    RemovedItem,
)
from services.trainer.pool.rows import ParsedLine
from services.trainer.projects.repository import locking
from services.trainer.projects.service import work_bell
from services.trainer.resources import Resources
from services.trainer.tables import PoolItem, ProjectState, insert_new
from shared.contracts.base import REJECTED_DETAIL_CHARACTERS, REJECTED_SHOWN
from shared.contracts.items import Item
from shared.contracts.projects import Project
from shared.db import Session
from shared.draws import Draw, key_for

_IMPORT_BATCH = 500
# Of rows that take less room in their file.
_IMPORT_BYTES = 8 * 1024 * 1024
_STATES = ("waiting", "asked", "passed", "answered", "refused", "erased")


async def import_lines(
    resources: Resources, project: Project, lines: Iterable[ParsedLine]
) -> PoolImport:
    """Import parsed lines, at most 500 a transaction; repeating an import changes nothing.

    An item whose id or whose content the pool has is a duplicate; one whose id it has with other
    content is rejected. A share of the items is set aside, as a key and their ids decide.
    """
    name, remaining, imported = project.project, iter(lines), 0
    duplicates, duplicate_count = list[DuplicateLine](), 0
    rejected, rejected_count = list[RejectedLine](), 0
    while batch := await asyncio.to_thread(_next_batch, remaining):
        faulty = [_rejected(line.line, line.fault or "") for line in batch if line.item is None]
        items = [(line.line, line.item) for line in batch if line.item is not None]
        async with locking(resources.database, name) as (session, state):
            added = await _add(resources, session, state, project, items)
        refused = sorted(faulty + added.rejected, key=lambda entry: entry.line)
        imported += added.imported
        duplicate_count += len(added.duplicates)
        rejected_count += len(refused)
        duplicates += added.duplicates[: REJECTED_SHOWN - len(duplicates)]
        rejected += refused[: REJECTED_SHOWN - len(rejected)]
    await resources.bells.ring(work_bell(name))
    return PoolImport(
        imported=imported,
        duplicates=duplicate_count,
        duplicates_shown=duplicates,
        rejected_count=rejected_count,
        rejected=rejected,
    )


@dataclass
class _Added:
    """What became of a batch of lines."""

    imported: int = 0
    duplicates: list[DuplicateLine] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)


def _rejected(line: int, detail: str) -> RejectedLine:
    # A pointer has the line's own keys, which may be as long as the line.
    return RejectedLine(line=line, detail=detail[:REJECTED_DETAIL_CHARACTERS])


def _next_batch(lines: Iterator[ParsedLine]) -> list[ParsedLine]:
    batch: list[ParsedLine] = []
    size = 0
    for line in islice(lines, _IMPORT_BATCH):
        batch.append(line)
        size += line.size
        if size > _IMPORT_BYTES:
            break
    return batch


async def _add(
    resources: Resources,
    session: Session,
    state: ProjectState,
    project: Project,
    items: list[tuple[int, Item]],
) -> _Added:
    hashes = [content_hash(item.data) for _, item in items]
    known = await repository.known_items(
        session, state.project, [item.item_id for _, item in items], hashes
    )
    content_of = dict(known)
    item_of = {content: item_id for item_id, content in known}
    erased = await erasure.erased_among(session, state.project, (i.item_id for _, i in items))
    reserve = reserve_of(state, project)
    found, rows = _Added(), list[dict[str, Any]]()
    for (line, item), content in zip(items, hashes, strict=True):
        before = content_of.get(item.item_id)
        if item.item_id in erased:
            found.rejected.append(_rejected(line, "/item_id was erased"))
        elif before is not None and before != content:
            found.rejected.append(_rejected(line, "/item_id is in the pool with other data"))
        elif before is None and content not in item_of:
            kind = "reserved" if reserve.takes(item.item_id) else "waiting"
            rows.append(_row(resources, state, item, content, kind))
            content_of[item.item_id], item_of[content] = content, item.item_id
        else:
            same = DuplicateLine(line=line, item_id=item.item_id, same_as=item_of[content])
            found.duplicates.append(same)
    found.imported = await insert_new(session, PoolItem, rows)
    return found


def reserve_of(state: ProjectState, project: Project) -> Draw:
    """Return which items are set aside, by their ids."""
    return Draw(key_for(state.pool_seed, "pool reserve"), project.labelling.reserve_rate)


def _row(
    resources: Resources, state: ProjectState, item: Item, content: str, kind: str
) -> dict[str, Any]:
    order = hashlib.sha256(f"{state.pool_seed}/{item.item_id}".encode()).hexdigest()
    return {
        "project": state.project,
        "item_id": item.item_id,
        "data": item.data,
        "item_metadata": item.metadata,
        "content_hash": content,
        "order_key": order,
        "state": kind,
        "posted": False,
        "imported_at": resources.now(),
    }


async def count(resources: Resources, project: str) -> PoolCounts:
    """Return the number of items by state."""
    async with resources.database.reading() as session:
        found = await repository.counts(session, project)
    states = {name: found.get(name, 0) for name in _STATES}
    total, reserved = sum(states.values()) + found.get("reserved", 0), found.get("reserved", 0)
    states["waiting"] += reserved
    return PoolCounts(**states, reserved=reserved, labelled=found["labelled"], total=total)


async def list_items(
    resources: Resources, project: str, state: str, after: str | None, limit: int
) -> tuple[list[PooledItem], str | None]:
    """Return items of a state in the pool's random order, and where the next page begins."""
    async with resources.database.reading() as session:
        found = await repository.in_states(session, project, limit, after or "", (state,))
    items = [PooledItem.model_validate(item, from_attributes=True) for item in found]
    return items, found[-1].order_key if len(found) == limit else None


async def remove(resources: Resources, project: str, wanted: Sequence[str]) -> list[RemovedItem]:
    """Remove items that people were not asked about; say of each what became of it."""
    async with locking(resources.database, project) as (session, _):
        removed = await repository.remove(session, project, wanted)
        left = await repository.states_of(session, project, wanted)
    return [
        RemovedItem(
            item_id=item_id,
            status="removed" if item_id in removed else left.get(item_id, "unknown"),
        )
        for item_id in wanted
    ]
