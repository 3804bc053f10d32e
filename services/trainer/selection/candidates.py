"""The items that a batch is chosen from: a uniform sample, of bounded size, in a folder."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from services.trainer.outcomes import repository as outcomes
from services.trainer.pool import repository as pool
from services.trainer.resources import Resources
from services.trainer.selection.job import ROWS
from shared.contracts.items import check_data
from shared.contracts.projects import Project

_MOST_CANDIDATES = 20_000
_MOST_COVERED = 2_000
_MOST_BYTES = 64 * 1024 * 1024
_PAGE = 1_000


@dataclass
class Candidates:
    """What was written into the folder: first the items that people know, then the candidates."""

    item_ids: list[str] = field(default_factory=list)
    covered: int = 0
    bytes_left: int = _MOST_BYTES


async def write_candidates(resources: Resources, project: Project, folder: Path) -> Candidates:
    """Write the newest labelled items, the asked ones, and then up to 20,000 that wait.

    These are the first of the pool's random order, so a uniform sample of what waits; fewer where
    they would take more than 64 MiB together.
    """
    found, name, states = Candidates(), project.project, ("waiting",)
    with (folder / ROWS).open("wb") as file:
        for data in await _covered(resources, project):
            found.covered += await asyncio.to_thread(_write, file, [data], found)
        after = ""
        while len(found.item_ids) < _MOST_CANDIDATES and found.bytes_left > 0:
            async with resources.database.reading() as session:
                # An item may be as large as a page of others.
                most = await pool.count_within(session, name, _PAGE, after, states)
                page = await pool.in_states(session, name, most, after, states)
            if not page:
                break
            after = page[-1].order_key
            usable = [item for item in page if not check_data(item.data, project.fields)]
            written = await asyncio.to_thread(_write, file, [one.data for one in usable], found)
            found.item_ids += [item.item_id for item in usable[:written]]
    return found


def _write(file: Any, rows: Sequence[Mapping[str, Any]], found: Candidates) -> int:
    """Write rows as long as there is room; return how many were written."""
    for place, data in enumerate(rows):
        line = orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE)
        if len(line) > found.bytes_left:
            found.bytes_left = 0
            return place
        file.write(line)
        found.bytes_left -= len(line)
    return len(rows)


async def _covered(resources: Resources, project: Project) -> list[dict[str, Any]]:
    """Return what people have labelled, newest first, and what they are asked about."""
    name = project.project
    async with resources.database.reading() as session:
        labelled = await outcomes.newest(session, name, _MOST_COVERED)
        most = await pool.count_within(session, name, _MOST_COVERED, "", ("asked",))
        asked = await pool.in_states(session, name, most, "", ("asked",))
    known = {row.item_id: row.data for row in labelled} | {one.item_id: one.data for one in asked}
    return [data for data in known.values() if data and not check_data(data, project.fields)]
