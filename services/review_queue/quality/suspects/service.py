"""What looks mislabelled among resolved tasks: an order for a second look, never a correction."""

import asyncio
import bisect
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.review_queue.projects.reading import current_project
from services.review_queue.quality.agreement.repository import outcomes_mark
from services.review_queue.quality.answer_cache import AnswerCache
from services.review_queue.quality.notes import LONE_REVIEWER, suspects_note
from services.review_queue.quality.suspects import repository
from services.review_queue.quality.suspects.doubted_reviewers import find_doubted
from services.review_queue.quality.suspects.messages import Suspect, SuspectList, SuspectReviewer
from services.review_queue.quality.suspects.out_of_fold import HeldOut, cross_fitted_of, held_out_of
from shared.contracts.projects import Project
from shared.db import Database, Row, Session
from shared.http.lists import page_of
from shared.label_errors import find_suspects
from shared.store import Store

MOST_OUTCOMES = 20_000
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
class SuspectService:
    """The list of suspects among the newest outcomes."""

    database: Database
    store: Store
    # All suspects among the outcomes up to one, and that outcome.
    _known: AnswerCache[tuple[int, SuspectList]] = field(default_factory=AnswerCache)

    async def page(self, project: str, *, after: SuspectCursor | None, limit: int) -> SuspectList:
        """Return suspects, the most suspicious first; `NotFound`: no such project."""
        async with self.database.reading() as session:
            spec = await current_project(session, project)
        up_to, found = await self._found(spec, after.up_to if after else None)
        listed = found.suspects
        if after:
            place = (-after.margin, after.task_id)
            listed = listed[bisect.bisect_right(listed, place, key=_order) :]
        shown, cursor = page_of(
            listed, limit, lambda one: str(SuspectCursor(up_to, one.margin, one.task_id))
        )
        return found.model_copy(update={"suspects": list(shown), "cursor": cursor})

    async def _found(self, project: Project, up_to: int | None) -> tuple[int, SuspectList]:
        name, labels = project.project, project.labels
        model = await cross_fitted_of(self.store, name)

        async def mark() -> Hashable:
            async with self.database.reading() as session:
                number, newest = await outcomes_mark(session, name)
            place = newest if up_to is None else up_to
            return (*labels, model, project.revision, number, newest, place)

        async def work_out() -> tuple[int, SuspectList]:
            held_out = await held_out_of(self.store, name, model)
            async with self.database.reading() as session:
                place = up_to
                if place is None:
                    _, place = await outcomes_mark(session, name)
                scored = await _read(session, project, place, held_out)
                given = await _given(session, name, scored)
                labelled = await repository.count_labelled(session, name)
            suspects = await asyncio.to_thread(_list, scored)
            reviewers = await asyncio.to_thread(given.doubted)
            note = LONE_REVIEWER if len(given.names) == 1 else None
            if not scored.rows:
                note = suspects_note(project, labelled)
            return place, SuspectList(
                suspects=suspects,
                reviewers=reviewers,
                note=note,
                considered=len(scored.rows),
                cursor=None,
            )

        return await self._known.of(name, mark, work_out, question=up_to)


@dataclass(frozen=True)
class _Scored:
    """Resolved tasks, the versions that scored them, and their probabilities: (tasks, labels)."""

    rows: list[Row]
    versions: list[str | None]
    probabilities: NDArray[np.float32]
    labels: list[str]


async def _read(
    session: Session,
    project: Project,
    up_to: int,
    held_out: Mapping[str, HeldOut],
) -> _Scored:
    """Read what models held of resolved tasks before they learned from them.

    What cross-fitting says of a training label is of the newest model; a task that is not among
    them, or has another label since, has the prediction that it came with, if any.
    """
    labels = project.labels
    number = {label: code for code, label in enumerate(labels)}
    limit = min(MOST_OUTCOMES, CELLS // len(labels))
    probabilities = np.zeros((limit, len(labels)), dtype=np.float32)
    rows: list[Row] = []
    versions: list[str | None] = []
    async for row in repository.labelled_outcomes(
        session, project.project, up_to=up_to, limit=limit, only_scored=not held_out
    ):
        known, prediction = held_out.get(row.item_id), row.prediction or {}
        told: dict[str, float] = prediction.get("probabilities") or {}
        version = prediction.get("model_version")
        if known is not None and known.label == row.label:
            told, version = known.probabilities, known.version
        if row.label not in number or not told:
            continue
        for label, probability in told.items():
            if label in number:
                probabilities[len(rows), number[label]] = probability
        rows.append(row)
        versions.append(version)
    return _Scored(rows, versions, probabilities[: len(rows)], list(labels))


@dataclass(frozen=True)
class _Given:
    """Labels that reviewers gave to scored tasks, beside what the model predicted."""

    names: list[str]
    reviewer: list[int]
    agrees: list[bool]
    confidence: list[float]

    def doubted(self) -> list[SuspectReviewer]:
        """Return the reviewers who disagree with the model more than others do."""
        found = find_doubted(
            np.array(self.reviewer, dtype=np.int64),
            np.array(self.agrees, dtype=np.bool_),
            np.array(self.confidence),
        )
        return [
            SuspectReviewer(
                reviewer=self.names[one.reviewer],
                labels=one.labels,
                agreed=one.agreed,
                expected=round(one.expected, 1),
            )
            for one in found
        ]


async def _given(session: Session, project: str, scored: _Scored) -> _Given:
    places = {row.task_id: place for place, row in enumerate(scored.rows)}
    tops = scored.probabilities.argmax(axis=1).tolist() if scored.rows else []
    highest = scored.probabilities.max(axis=1).tolist() if scored.rows else []
    names: dict[str, int] = {}
    given = _Given([], [], [], [])
    async for row in repository.given_labels(session, project):
        place = places.get(row.task_id)
        if place is not None:
            given.reviewer.append(names.setdefault(row.reviewer, len(names)))
            given.agrees.append(row.label == scored.labels[tops[place]])
            given.confidence.append(highest[place])
    given.names.extend(names)
    return given


def _list(scored: _Scored) -> list[Suspect]:
    rows, labels = scored.rows, scored.labels
    number = {label: code for code, label in enumerate(labels)}
    given = np.array([number[row.label] for row in rows], dtype=np.int64)
    found = find_suspects(given, scored.probabilities)
    listed = []
    for place, suspected, margin in zip(found.row, found.suspected, found.margin, strict=True):
        told = dict(rows[place]._mapping)
        told.pop("prediction")
        doubt = {"suspected_label": labels[suspected], "margin": float(margin)}
        listed.append(Suspect(**told, **doubt, model_version=scored.versions[place]))
    return sorted(listed, key=_order)


def _order(suspect: Suspect) -> tuple[float, str]:
    return -suspect.margin, suspect.task_id
