"""What looks mislabelled among resolved tasks: an order for a second look, never a correction."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.people import repository
from services.review_queue.people.label_errors import find_suspects
from services.review_queue.people.messages import Suspect, SuspectList
from services.review_queue.projects.service import current_project
from shared.db import Database
from shared.http.lists import encode_cursor

OUTCOMES = 20_000
# With many labels fewer outcomes are looked at, so that their probabilities stay small.
CELLS = 5_000_000


@dataclass(frozen=True)
class Place:
    """A place in the list: what was looked at (up to which outcome), and the suspect before.

    A suspect's margin is its own affair, so the order behind a place stays the same while new
    outcomes come and others are corrected.
    """

    up_to: int
    margin: float
    task_id: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the place that `str` gave; None when `text` is none."""
        up_to, _, rest = text.partition(" ")
        margin, _, task_id = rest.partition(" ")
        try:
            place = cls(int(up_to), float(margin), task_id)
        except ValueError:
            return None
        return place if 0 <= place.up_to < 2**63 and np.isfinite(place.margin) else None

    def __str__(self) -> str:
        return f"{self.up_to} {self.margin!r} {self.task_id}"


@dataclass(frozen=True)
class Scored:
    """Resolved tasks, the class that people gave each (shape (rows,)), and the model's scores."""

    rows: Sequence[Row[Any]]
    given: NDArray[np.int64]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True)
class SuspectService:
    """The list of suspects, made anew at each call from the newest outcomes."""

    database: Database

    async def page(self, project: str, *, after: Place | None, limit: int) -> SuspectList:
        """Return suspects, the most suspicious first; `NotFound`: no such project."""
        async with self.database.reading() as session:
            labels = (await current_project(session, project)).labels
            up_to = after.up_to if after else await repository.newest_outcome(session, project)
            scored = await _read(session, project, labels, up_to)
        listed = await asyncio.to_thread(_list, scored, labels)
        if after:
            listed = [one for one in listed if _order(one) > (-after.margin, after.task_id)]
        cursor = None
        if len(listed) > limit:
            last = listed[limit - 1]
            cursor = encode_cursor(str(Place(up_to, last.margin, last.task_id)))
        return SuspectList(suspects=listed[:limit], considered=len(scored.rows), cursor=cursor)


async def _read(session: AsyncSession, project: str, labels: Sequence[str], up_to: int) -> Scored:
    number = {label: code for code, label in enumerate(labels)}
    limit = min(OUTCOMES, CELLS // len(labels))
    probabilities = np.zeros((limit, len(labels)), dtype=np.float32)
    rows: list[Row[Any]] = []
    given: list[int] = []
    async for row in repository.scored_outcomes(session, project, up_to=up_to, limit=limit):
        if row.label not in number:
            continue
        for label, probability in row.prediction["probabilities"].items():
            if label in number:
                probabilities[len(rows), number[label]] = probability
        rows.append(row)
        given.append(number[row.label])
    return Scored(rows, np.array(given, dtype=np.int64), probabilities[: len(rows)])


def _list(scored: Scored, labels: Sequence[str]) -> list[Suspect]:
    found = find_suspects(scored.given, scored.probabilities)
    listed = [
        _suspect(scored.rows[row], labels[suspected], float(margin))
        for row, suspected, margin in zip(found.row, found.suspected, found.margin, strict=True)
    ]
    return sorted(listed, key=_order)


def _suspect(row: Row[Any], suspected: str, margin: float) -> Suspect:
    return Suspect(
        task_id=row.task_id,
        item_id=row.item_id,
        lane=row.lane,
        label=row.label,
        suspected_label=suspected,
        margin=margin,
        model_version=row.prediction.get("model_version"),
        verdicts=row.verdicts,
        resolved_at=row.resolved_at,
    )


def _order(suspect: Suspect) -> tuple[float, str]:
    return -suspect.margin, suspect.task_id
