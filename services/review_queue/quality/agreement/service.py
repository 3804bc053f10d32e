"""How far reviewers agree with one another, and model versions with them."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.review_queue.lifecycle.repository import gold as known
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.agreement import coefficients, repository
from services.review_queue.quality.agreement.bootstrap import bootstrap_interval
from services.review_queue.quality.agreement.messages import (
    Agreement,
    Estimate,
    ReviewerPair,
    VersionAgreement,
    VersionReviewer,
)
from services.review_queue.quality.agreement.table import MISSING, IntArray, RatingTable
from services.review_queue.quality.answer_cache import AnswerCache
from services.review_queue.quality.notes import agreement_note
from shared.db import Database, Row, Session

Version = TypeVar("Version", bound=VersionAgreement)

# The matrix has a row and a column for each; those with most verdicts come into it.
REVIEWERS = 100

# Any seed does; one and the same gives the same answer for the same verdicts.
_SEED = 20_070


@dataclass
class Ratings:
    """Verdicts as numbers: each name's number is its place; `labels` begin as the project's."""

    labels: dict[str, int]
    reviewers: dict[str, int] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    given: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, task_id: str, reviewer: str, label: str) -> None:
        """Take in a verdict; a later one of the same reviewer on the same task replaces it."""
        place = (_number(self.tasks, task_id), _number(self.reviewers, reviewer))
        self.given[place] = _number(self.labels, label)


def _number(names: dict[str, int], name: str) -> int:
    return names.setdefault(name, len(names))


@dataclass(frozen=True)
class AgreementService:
    """Agreement, over the newest tasks that more than one reviewer answered."""

    database: Database
    _known: AnswerCache[Agreement] = field(default_factory=AnswerCache)

    async def of(self, project: str) -> Agreement:
        """Return how far people and versions agree; `NotFound`: no such project."""
        async with self.database.reading() as session:
            stated = await current_project(session, project)
        labels = stated.labels

        async def mark() -> Hashable:
            async with self.database.reading() as session:
                verdicts = await repository.verdicts_mark(session, project)
                return (*labels, verdicts, await repository.outcomes_mark(session, project))

        found = await self._known.of(project, mark, lambda: self._work_out(project, labels))
        if found.tasks:
            return found
        async with self.database.reading() as session:
            gold = await known.number(session, project, labels)
            verdicts = await repository.count_verdicts(session, project)
        return found.model_copy(update={"note": agreement_note(stated, gold, verdicts)})

    async def _work_out(self, project: str, labels: Sequence[str]) -> Agreement:
        async with self.database.reading() as session:
            ratings = await _read(session, project, labels)
            versions = await repository.version_labels(session, project)
            beside = await repository.version_verdicts(session, project)
        # Resampling takes a second where tasks are many; leases go on meanwhile.
        return await asyncio.to_thread(_compare, ratings, versions, beside)


async def _read(session: Session, project: str, labels: Sequence[str]) -> Ratings:
    ratings = Ratings({label: number for number, label in enumerate(labels)})
    async for row in repository.shared_verdicts(session, project):
        ratings.add(row.task_id, row.reviewer, row.label)
    return ratings


def _compare(ratings: Ratings, versions: Sequence[Row], beside: Sequence[Row]) -> Agreement:
    places = np.array(list(ratings.given), dtype=np.int64).reshape(-1, 2)
    codes = np.array(list(ratings.given.values()), dtype=np.int64)
    classes = len(ratings.labels)
    table = RatingTable.from_ratings(places[:, 0], codes, units=len(ratings.tasks), classes=classes)
    patterns, frequency = table.distinct()
    given = np.bincount(codes, minlength=classes)
    return Agreement(
        tasks=table.units,
        verdicts=codes.size,
        most_given=float(given.max() / codes.size) if codes.size else None,
        alpha=_estimate(lambda w: coefficients.krippendorff_alpha(patterns, weights=w), frequency),
        ac1=_estimate(lambda w: coefficients.gwet_ac1(patterns, weights=w), frequency),
        fleiss=_fleiss(patterns, frequency),
        pairs=_pairs(ratings, places, codes),
        model_versions=_by_version(VersionAgreement, versions, "model_version", "blind"),
        version_reviewers=_version_reviewers(beside),
    )


def _fleiss(patterns: RatingTable, frequency: IntArray) -> Estimate:
    if len(set(patterns.sizes)) != 1:
        return Estimate(value=None, low=None, high=None)
    return _estimate(lambda w: coefficients.fleiss_kappa(patterns, weights=w), frequency)


def _estimate(statistic: Callable[[IntArray], float], frequency: IntArray) -> Estimate:
    ends = bootstrap_interval(statistic, frequency, seed=_SEED)
    low, high = ends or (None, None)
    return Estimate(value=_defined(statistic(frequency)), low=low, high=high)


def _pairs(ratings: Ratings, places: IntArray, codes: IntArray) -> list[ReviewerPair]:
    names = list(ratings.reviewers)
    given = np.bincount(places[:, 1], minlength=len(names))
    busiest = np.argsort(-given, kind="stable")[:REVIEWERS]
    row_of = np.full(len(names), MISSING)
    row_of[busiest] = np.arange(len(busiest))
    rows = row_of[places[:, 1]]
    shown = rows != MISSING
    matrix = np.full((len(busiest), len(ratings.tasks)), MISSING, dtype=np.int16)
    matrix[rows[shown], places[shown, 0]] = codes[shown]
    return pairwise(matrix, [names[place] for place in busiest], len(ratings.labels))


def pairwise(matrix: NDArray[np.int16], names: Sequence[str], classes: int) -> list[ReviewerPair]:
    """Return each two raters who share a unit, those who share most first.

    Parameters
    ----------
    matrix : NDArray of shape (raters, units)
        Classes in 0..classes-1, -1 where there is no rating.
    names
        Those of the raters.
    """
    rated = matrix != MISSING
    pairs = []
    for one, name in enumerate(names):
        shared = (rated[one + 1 :] & rated[one]).any(axis=1)
        for other in one + 1 + np.flatnonzero(shared):
            both = rated[one] & rated[other]
            compared = _compare_two(matrix[one, both], matrix[other, both], classes)
            pairs.append(ReviewerPair(first=name, second=names[int(other)], **compared))
    return sorted(pairs, key=lambda pair: -pair.tasks)


def _version_reviewers(rows: Sequence[Row]) -> list[VersionReviewer]:
    given: Counter[str] = Counter()
    for row in rows:
        given[row.reviewer] += row.number
    busiest = dict(given.most_common(REVIEWERS))
    shown = [row for row in rows if row.reviewer in busiest]
    return _by_version(VersionReviewer, shown, "model_version", "reviewer", "blind")


def _by_version(kind: type[Version], rows: Sequence[Row], *keys: str) -> list[Version]:
    """Compare what versions predicted with what people said, for all rows of the same `keys`."""
    cells: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        cells.setdefault(tuple(getattr(row, key) for key in keys), []).append(row)
    found = []
    for key, same in cells.items():
        labels: dict[str, int] = {}
        predicted = np.array([_number(labels, row.predicted) for row in same])
        given = np.array([_number(labels, row.label) for row in same])
        numbers = np.array([row.number for row in same])
        compared = _compare_two(predicted, given, len(labels), numbers)
        found.append(kind(**dict(zip(keys, key, strict=True)), **compared))
    return sorted(found, key=lambda one: (-one.tasks, *(getattr(one, key) for key in keys)))


def _compare_two(
    first: IntArray, second: IntArray, classes: int, numbers: IntArray | None = None
) -> dict[str, Any]:
    """Return the figures of two raters on units that both rated, each `numbers` times."""
    weights = np.ones(first.size, dtype=np.int64) if numbers is None else numbers
    low, high = coefficients.kappa_interval(first, second, classes, weights=weights) or (None, None)
    return {
        "tasks": int(weights.sum()),
        "agreement": float(weights[first == second].sum() / weights.sum()),
        "kappa": _defined(coefficients.cohen_kappa(first, second, classes, weights=weights)),
        "low": low,
        "high": high,
    }


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
