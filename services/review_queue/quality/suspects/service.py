"""What looks mislabelled among resolved tasks: an order for a second look, never a correction."""

import asyncio
import bisect
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.review_queue.projects.reading import current_project
from services.review_queue.quality.agreement.repository import outcomes_mark
from services.review_queue.quality.answer_cache import AnswerCache
from services.review_queue.quality.suspects import repository
from services.review_queue.quality.suspects.label_errors import find_suspects
from services.review_queue.quality.suspects.messages import Suspect, SuspectList
from shared.db import Database, Row, Session
from shared.http.lists import page_of

OUTCOMES = 20_000
# With many labels fewer outcomes are looked at, so that their probabilities stay small.
CELLS = 5_000_000


@dataclass(frozen=True)
class SuspectCursor:
    """The outcome up to which suspects were looked for, and the last suspect of the page.

    A suspect's margin depends on nothing else, so the order of those behind it stays the same
    while new outcomes come and others are corrected.
    """

    up_to: int
    margin: float
    task_id: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the cursor that `str` gave; None when `text` is none."""
        try:
            up_to, margin, task_id = text.split(" ", 2)
            cursor = cls(int(up_to), float(margin), task_id)
        except ValueError:
            return None
        return cursor if 0 <= cursor.up_to < 2**63 and math.isfinite(cursor.margin) else None

    def __str__(self) -> str:
        return f"{self.up_to} {self.margin!r} {self.task_id}"


@dataclass(frozen=True)
class Listed:
    """All suspects among the `considered` outcomes up to `up_to`, in their order."""

    up_to: int
    considered: int
    suspects: list[Suspect]


@dataclass(frozen=True)
class SuspectService:
    """The list of suspects among the newest outcomes."""

    database: Database
    _known: AnswerCache[Listed] = field(default_factory=AnswerCache)

    async def page(self, project: str, *, after: SuspectCursor | None, limit: int) -> SuspectList:
        """Return suspects, the most suspicious first; `NotFound`: no such project."""
        async with self.database.reading() as session:
            labels = (await current_project(session, project)).labels
        found = await self._found(project, labels, after.up_to if after else None)
        listed = found.suspects
        if after:
            place = (-after.margin, after.task_id)
            listed = listed[bisect.bisect_right(listed, place, key=_order) :]
        shown, cursor = page_of(
            listed, limit, lambda one: str(SuspectCursor(found.up_to, one.margin, one.task_id))
        )
        return SuspectList(suspects=list(shown), considered=found.considered, cursor=cursor)

    async def _found(self, project: str, labels: Sequence[str], up_to: int | None) -> Listed:
        async def mark() -> Hashable:
            async with self.database.reading() as session:
                number, newest = await outcomes_mark(session, project)
            return (*labels, number, newest, newest if up_to is None else up_to)

        async def work_out() -> Listed:
            async with self.database.reading() as session:
                place = up_to
                if place is None:
                    _, place = await outcomes_mark(session, project)
                rows, probabilities = await _read(session, project, labels, place)
            suspects = await asyncio.to_thread(_list, rows, probabilities, labels)
            return Listed(place, len(rows), suspects)

        return await self._known.of(project, mark, work_out, question=up_to)


async def _read(
    session: Session, project: str, labels: Sequence[str], up_to: int
) -> tuple[list[Row], NDArray[np.float32]]:
    """Return resolved tasks, and what the model held of each: shape (tasks, labels)."""
    number = {label: code for code, label in enumerate(labels)}
    limit = min(OUTCOMES, CELLS // len(labels))
    probabilities = np.zeros((limit, len(labels)), dtype=np.float32)
    rows: list[Row] = []
    async for row in repository.scored_outcomes(session, project, up_to=up_to, limit=limit):
        if row.label not in number:
            continue
        for label, probability in row.prediction["probabilities"].items():
            if label in number:
                probabilities[len(rows), number[label]] = probability
        rows.append(row)
    return rows, probabilities[: len(rows)]


def _list(
    rows: Sequence[Row], probabilities: NDArray[np.float32], labels: Sequence[str]
) -> list[Suspect]:
    number = {label: code for code, label in enumerate(labels)}
    given = np.array([number[row.label] for row in rows], dtype=np.int64)
    found = find_suspects(given, probabilities)
    listed = []
    for place, suspected, margin in zip(found.row, found.suspected, found.margin, strict=True):
        told = dict(rows[place]._mapping)
        version = told.pop("prediction").get("model_version")
        doubt = {"suspected_label": labels[suspected], "margin": float(margin)}
        listed.append(Suspect(**told, **doubt, model_version=version))
    return sorted(listed, key=_order)


def _order(suspect: Suspect) -> tuple[float, str]:
    return -suspect.margin, suspect.task_id
