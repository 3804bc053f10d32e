"""How far reviewers agree with one another, and model versions with them."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.review_queue.projects.service import current_project
from services.review_queue.quality.agreement import repository
from services.review_queue.quality.agreement.bootstrap import bootstrap_interval
from services.review_queue.quality.agreement.coefficients import (
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    kappa_interval,
    krippendorff_alpha,
)
from services.review_queue.quality.agreement.messages import (
    Agreement,
    Estimate,
    ReviewerPair,
    VersionAgreement,
    VersionReviewer,
)
from services.review_queue.quality.agreement.pairs import pairwise
from services.review_queue.quality.agreement.repository import VERDICTS
from services.review_queue.quality.agreement.table import MISSING, IntArray, RatingTable
from services.review_queue.quality.answer_cache import AnswerCache
from shared.db import Database, Row, Session

TASKS = 50_000
OUTCOMES = 50_000
# The matrix has a row and a column for each; those with most verdicts come into it.
REVIEWERS = 100

# Any seed does; one and the same gives the same answer for the same verdicts.
_SEED = 20_070


@dataclass
class Numbering:
    """Numbers for names, in the order in which they are first met."""

    names: dict[str, int] = field(default_factory=dict)

    def of(self, name: str) -> int:
        """Return the number of `name`."""
        return self.names.setdefault(name, len(self.names))


@dataclass
class Ratings:
    """Verdicts as numbers, one entry a verdict of each list; `labels` begin as the project's."""

    labels: Numbering
    reviewers: Numbering = field(default_factory=Numbering)
    tasks: Numbering = field(default_factory=Numbering)
    given: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, task_id: str, reviewer: str, label: str) -> None:
        """Take in a verdict; a later one of the same reviewer on the same task replaces it."""
        place = (self.tasks.of(task_id), self.reviewers.of(reviewer))
        self.given[place] = self.labels.of(label)


@dataclass(frozen=True)
class AgreementService:
    """Agreement, over the newest tasks that more than one reviewer answered."""

    database: Database
    _known: AnswerCache[Agreement] = field(default_factory=AnswerCache)

    async def of(self, project: str) -> Agreement:
        """Return how far people and versions agree; `NotFound`: no such project."""
        async with self.database.reading() as session:
            labels = (await current_project(session, project)).labels

        async def mark() -> Hashable:
            async with self.database.reading() as session:
                verdicts = await repository.verdicts_mark(session, project, verdicts=VERDICTS)
                return (*labels, verdicts, await repository.outcomes_mark(session, project))

        return await self._known.of(project, mark, lambda: self._work_out(project, labels))

    async def _work_out(self, project: str, labels: Sequence[str]) -> Agreement:
        async with self.database.reading() as session:
            ratings = await _read(session, project, labels)
            versions = await repository.version_labels(session, project, outcomes=OUTCOMES)
            beside = await repository.version_verdicts(session, project, verdicts=OUTCOMES)
        # Resampling takes a second where tasks are many; leases go on meanwhile.
        return await asyncio.to_thread(_compare, ratings, versions, beside)


async def _read(session: Session, project: str, labels: Sequence[str]) -> Ratings:
    ratings = Ratings(Numbering({label: number for number, label in enumerate(labels)}))
    async for row in repository.shared_verdicts(session, project, tasks=TASKS, verdicts=VERDICTS):
        ratings.add(row.task_id, row.reviewer, row.label)
    return ratings


def _compare(ratings: Ratings, versions: Sequence[Row], beside: Sequence[Row]) -> Agreement:
    places = np.array(list(ratings.given), dtype=np.int64).reshape(-1, 2)
    codes = np.array(list(ratings.given.values()), dtype=np.int64)
    classes = len(ratings.labels.names)
    table = RatingTable.from_ratings(
        places[:, 0], codes, units=len(ratings.tasks.names), classes=classes
    )
    patterns, frequency = table.distinct()
    given = np.bincount(codes, minlength=classes)
    return Agreement(
        tasks=table.units,
        verdicts=codes.size,
        most_given=float(given.max() / codes.size) if codes.size else None,
        alpha=_estimate(lambda w: krippendorff_alpha(patterns, weights=w), frequency),
        ac1=_estimate(lambda w: gwet_ac1(patterns, weights=w), frequency),
        fleiss=_fleiss(patterns, frequency),
        pairs=_pairs(ratings, places, codes),
        model_versions=_versions(versions),
        version_reviewers=_version_reviewers(beside),
    )


def _fleiss(patterns: RatingTable, frequency: IntArray) -> Estimate:
    if len(set(patterns.sizes)) != 1:
        return Estimate(value=None, low=None, high=None)
    return _estimate(lambda w: fleiss_kappa(patterns, weights=w), frequency)


def _estimate(statistic: Callable[[IntArray], float], frequency: IntArray) -> Estimate:
    ends = bootstrap_interval(statistic, frequency, seed=_SEED)
    low, high = ends or (None, None)
    return Estimate(value=_defined(statistic(frequency)), low=low, high=high)


def _pairs(ratings: Ratings, places: IntArray, codes: IntArray) -> list[ReviewerPair]:
    names = list(ratings.reviewers.names)
    busiest = np.argsort(-np.bincount(places[:, 1], minlength=len(names)), kind="stable")
    row_of = np.full(len(names), MISSING)
    row_of[busiest[:REVIEWERS]] = np.arange(min(REVIEWERS, len(names)))
    shown = row_of[places[:, 1]] != MISSING
    matrix: NDArray[np.int16] = np.full(
        (min(REVIEWERS, len(names)), len(ratings.tasks.names)), MISSING, dtype=np.int16
    )
    matrix[row_of[places[shown, 1]], places[shown, 0]] = codes[shown]
    return [
        ReviewerPair(
            first=names[busiest[pair.first]],
            second=names[busiest[pair.second]],
            tasks=pair.units,
            agreement=pair.agreement,
            kappa=_defined(pair.kappa),
            **_ends(pair.interval),
        )
        for pair in pairwise(matrix, len(ratings.labels.names))
    ]


def _versions(rows: Sequence[Row]) -> list[VersionAgreement]:
    of_one: dict[tuple[str, bool], list[Row]] = {}
    for row in rows:
        of_one.setdefault((row.model_version, row.blind), []).append(row)
    told = [_version(version, blind, cells) for (version, blind), cells in of_one.items()]
    return sorted(told, key=lambda one: (-one.tasks, one.model_version, one.blind))


def _version_reviewers(rows: Sequence[Row]) -> list[VersionReviewer]:
    given: Counter[str] = Counter()
    of_two: dict[tuple[str, str, bool], list[Row]] = {}
    for row in rows:
        given[row.reviewer] += row.number
        of_two.setdefault((row.model_version, row.reviewer, row.blind), []).append(row)
    busiest = {name for name, _ in given.most_common(REVIEWERS)}
    told = [
        VersionReviewer(reviewer=reviewer, **dict(_version(version, blind, cells)))
        for (version, reviewer, blind), cells in of_two.items()
        if reviewer in busiest
    ]
    return sorted(told, key=lambda one: (-one.tasks, one.model_version, one.reviewer, one.blind))


def _version(version: str, blind: bool, cells: Sequence[Row]) -> VersionAgreement:
    labels = Numbering()
    predicted = [labels.of(cell.predicted) for cell in cells]
    given = [labels.of(cell.label) for cell in cells]
    numbers = np.array([cell.number for cell in cells])
    same = np.array(predicted) == np.array(given)
    kappa = cohen_kappa(predicted, given, len(labels.names), weights=numbers)
    interval = kappa_interval(predicted, given, len(labels.names), weights=numbers)
    return VersionAgreement(
        model_version=version,
        blind=blind,
        tasks=int(numbers.sum()),
        agreement=float(numbers[same].sum() / numbers.sum()),
        kappa=_defined(kappa),
        **_ends(interval),
    )


def _ends(interval: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = interval or (None, None)
    return {"low": low, "high": high}


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
