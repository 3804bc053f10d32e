"""Recorded decisions, with what is needed to make them again: ``python -m services replay``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.trainer.ledger.explanation import PromiseThen
from services.trainer.ledger.repository import DecisionFilter
from services.trainer.ledger.service import list_decisions, promise_record
from services.trainer.registry.repository import find
from services.trainer.registry.scores import ModelUnusable, fits_project, score_items
from services.trainer.resources import Resources, open_resources
from services.trainer.settings import TrainerSettings
from shared.contracts.base import from_stored
from shared.contracts.decisions import DecisionRow
from shared.contracts.projects import Project
from shared.settings import CommonSettings

_MOST = 1_000


@dataclass(frozen=True)
class Rescored:
    """What the stored model says of the item today; `fault` says why it could not be asked."""

    label: str | None = None
    confidence: float | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Recorded:
    """One decision as the ledger has it, the promise on record then, and today's scores."""

    row: DecisionRow
    then: PromiseThen
    rescored: Rescored


async def recorded(
    common: CommonSettings, settings: TrainerSettings, name: str, item_id: str
) -> list[Recorded]:
    """Return the first 1,000 decisions of an item, in the order of reading.

    Raises `Problem`: there is no such project, or it cannot be read.
    """
    resources = open_resources(common, settings)
    try:
        project = await resources.projects.require(name)
        rows = await list_decisions(resources, name, DecisionFilter(item_id), 0, _MOST)
        decided = [from_stored(DecisionRow, row.row) for row in rows]
        record = await promise_record(resources, name, decided)
        scored = await _rescore(resources, project, decided)
    finally:
        await resources.close()
    return [
        Recorded(row, record.at(row.model_version, row.decided_at), again)
        for row, again in zip(decided, scored, strict=True)
    ]


async def _rescore(
    resources: Resources, project: Project, rows: Sequence[DecisionRow]
) -> list[Rescored]:
    """Score each row's item with the version that scored it; each version is loaded once."""
    found = [
        Rescored(fault="no version scored it" if row.data else "the item was erased")
        for row in rows
    ]
    for name in {row.model_version for row in rows if row.model_version is not None}:
        places = [i for i, row in enumerate(rows) if row.model_version == name and row.data]
        scored = await _score(resources, project, name, [rows[i].data for i in places])
        for place, one in zip(places, scored, strict=True):
            found[place] = one
    return found


async def _score(
    resources: Resources, project: Project, name: str, data: Sequence[Mapping[str, Any]]
) -> list[Rescored]:
    """Score items with the version of this name, or say why it cannot."""
    if not data:
        return []
    async with resources.database.reading() as session:
        version = await find(session, project.project, name)
    if version is None or not fits_project(version, project):
        unusable = Rescored(fault=f"{name} is unknown, or no longer fits the project")
        return [unusable] * len(data)
    try:
        again = await score_items(resources, project, version, data)
    except ModelUnusable as error:
        return [Rescored(fault=str(error))] * len(data)
    scored = zip(again.labels, again.scores.tolist(), strict=True)
    return [Rescored(label, score) for label, score in scored]
