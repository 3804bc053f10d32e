"""Find slices on one half of the labelled items, and confirm them on the other (pure).

A slice is one to three predicates, such as `channel = web` and `product = shoes`. On the first half
all of them with enough items are ranked by their likelihood ratio: how much less likely their
errors are at the error rate of all items. Slices whose failures better ranked ones explain are left
out. At most five remain, and each is tested on the second half, against the items outside it, with
Holm's correction: the chance that any confirmed slice is no worse than the rest is at most 5 %.

Three choices together find more planted slices than SliceLine's score: the likelihood ratio, at
most five slices tested, and a larger minimum support (50 items and 1 % of all). The likelihood
ratio alone does not.

An item that was labelled with the chance `1/weight` stands for `weight` items. A rate is the
weighted mean, and counts as that of `effective` items, (sum of weights)² / sum of squared weights:
all of them where the weights are equal, and the tests are then the exact binomial ones.

References
----------
Kish, Survey Sampling, 1965 (effective size).
Korn and Graubard, Survey Methodology 24 (1998): exact intervals with it.
Sagadeeva and Boehm, SIGMOD 2021 (SliceLine: the enumeration).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, rel_entr

from services.trainer.gate.spending import holm

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Predicate = tuple[str, str]

LEAST_ITEMS = 50
LEAST_SHARE = 0.01
MOST_DEPTH = 3
TESTED = 5
_MOST_PREDICATES = 100
_KEPT_PAIRS = 200
# A slice is worth naming if it, without what others explain, fails half as often again.
_LEAST_RATIO = 1.5
_LEAST_OWN = 0.5
_TAIL = 0.025
_LEAST_OF_GROUP = 30


@dataclass(frozen=True)
class Rate:
    """A share of wrong items: `rate` in [0, 1] of `items`, which count as `effective`."""

    items: int
    effective: float
    rate: float

    @classmethod
    def of(cls, wrong: BoolArray, weights: FloatArray) -> "Rate":
        """Return the rate of some items; 0 of none."""
        total = float(weights.sum())
        if not total:
            return cls(0, 0.0, 0.0)
        effective = total * total / float((weights * weights).sum())
        return cls(len(wrong), effective, float(weights[wrong].sum()) / total)

    @property
    def interval(self) -> tuple[float, float]:
        """The two-sided 95 % interval."""
        wrong, right = self.rate * self.effective, (1 - self.rate) * self.effective
        lower = float(betaincinv(wrong, right + 1, _TAIL)) if wrong > 0 else 0.0
        upper = float(betaincinv(wrong + 1, right, 1 - _TAIL)) if right > 0 else 1.0
        return lower, upper

    def chance_above(self, rate: float) -> float:
        """Return the chance of so many wrong items or more, if the true rate were `rate`."""
        wrong = self.rate * self.effective
        if wrong <= 0 or rate >= 1:
            return 1.0
        if rate <= 0:
            return 0.0
        return float(betainc(wrong, (1 - self.rate) * self.effective + 1, rate))


@dataclass(frozen=True)
class LabelledItems:
    """Labelled items: the predicates that hold, whether the version was wrong, and the weight.

    Attributes
    ----------
    predicates : names of the columns of `holds`
    holds : shape (n, predicates)
    wrong : shape (n,)
    weights : shape (n,), at least 1; 1 / chance of having been labelled
    confirming : shape (n,), whether an item belongs to the second half
    """

    predicates: Sequence[Predicate]
    holds: BoolArray
    wrong: BoolArray
    weights: FloatArray
    confirming: BoolArray

    def rate(self, members: BoolArray) -> Rate:
        """Return the rate of some of the items, given by shape (n,)."""
        return Rate.of(self.wrong[members], self.weights[members])

    def members(self, slice_of: Sequence[int]) -> BoolArray:
        """Return which items are in the slice of these columns; shape (n,)."""
        return np.asarray(self.holds[:, list(slice_of)].all(axis=1))


@dataclass(frozen=True)
class FailingSlice:
    """A confirmed slice: `rate` and `rest` are those of the second half, `members` of all items."""

    predicates: tuple[Predicate, ...]
    members: BoolArray
    rate: Rate
    rest: Rate
    p_value: float

    @property
    def words(self) -> str:
        """The slice as people read it."""
        return " and ".join(f"{key} is {value}" for key, value in self.predicates)


@dataclass(frozen=True)
class Found:
    """The confirmed slices, the worst first, and how many were tested for it."""

    slices: list[FailingSlice]
    tested: int


def find_slices(evidence: LabelledItems) -> Found:
    """Return the slices on which the version fails more often than elsewhere."""
    candidates = _chosen(evidence)
    tested = [_tested(evidence, columns) for columns in candidates]
    kept = holm([one.p_value for one in tested])
    confirmed = [one for one, is_kept in zip(tested, kept, strict=True) if is_kept]
    return Found(sorted(confirmed, key=lambda one: -one.rate.rate), len(tested))


def _tested(evidence: LabelledItems, columns: tuple[int, ...]) -> FailingSlice:
    members = evidence.members(columns)
    inside, outside = members & evidence.confirming, ~members & evidence.confirming
    rate, rest = evidence.rate(inside), evidence.rate(outside)
    return FailingSlice(
        predicates=tuple(evidence.predicates[column] for column in columns),
        members=members,
        rate=rate,
        rest=rest,
        p_value=rate.chance_above(rest.rate),
    )


def _chosen(evidence: LabelledItems) -> list[tuple[int, ...]]:
    """Return at most five slices of the first half: each has failures that no better one explains.

    All numbers are those of the first half.
    """
    first = ~evidence.confirming
    wrong, weights = evidence.wrong[first], evidence.weights[first]
    holds = evidence.holds[first]
    overall = Rate.of(wrong, weights).rate
    if not overall:
        return []
    least = max(LEAST_ITEMS, LEAST_SHARE * len(evidence.wrong))
    search = _Search(evidence.predicates, holds, wrong, weights, overall, least)
    chosen: list[tuple[int, ...]] = []
    explained = np.zeros(len(wrong), dtype=bool)
    for columns in search.ranked():
        members = holds[:, list(columns)].all(axis=1)
        own = members & ~explained
        enough = own.sum() >= max(_LEAST_OWN * members.sum(), 1)
        if enough and Rate.of(wrong[own], weights[own]).rate >= _LEAST_RATIO * overall:
            chosen.append(columns)
            explained |= members
        if len(chosen) == TESTED:
            break
    return chosen


@dataclass(frozen=True)
class _Search:
    predicates: Sequence[Predicate]
    holds: BoolArray
    wrong: BoolArray
    weights: FloatArray
    overall: float
    least: float

    def ranked(self) -> list[tuple[int, ...]]:
        """Return the slices with a score above 0, the best first."""
        sizes = self.holds.sum(axis=0)
        frequent = [int(at) for at in np.argsort(-sizes, kind="stable") if sizes[at] >= self.least]
        frequent = frequent[:_MOST_PREDICATES]
        levels: list[list[tuple[int, ...]]] = [[(column,) for column in frequent]]
        scores = dict(self._scored(levels[0]))
        for _ in range(1, MOST_DEPTH):
            known = [columns for columns in levels[-1] if columns in scores]
            best = sorted(known, key=lambda columns: -scores[columns])[:_KEPT_PAIRS]
            # A pair may fail where neither of its predicates does; a triple extends the best pairs.
            levels.append(list(self._extended(levels[0] if len(levels) == 1 else best, frequent)))
            scores |= dict(self._scored(levels[-1]))
        return [at for at in sorted(scores, key=lambda one: -scores[one]) if scores[at] > 0]

    def _extended(
        self, slices: Sequence[tuple[int, ...]], columns: Sequence[int]
    ) -> Iterator[tuple[int, ...]]:
        seen = set()
        for one in slices:
            keys = {self.predicates[column][0] for column in one}
            for column in columns:
                longer = tuple(sorted((*one, column)))
                if self.predicates[column][0] not in keys and longer not in seen:
                    seen.add(longer)
                    yield longer

    def _scored(self, slices: Sequence[tuple[int, ...]]) -> Iterator[tuple[tuple[int, ...], float]]:
        """Yield (slice, score) of those with enough items."""
        if not slices:
            return
        columns = np.array(slices)
        errors = self.weights * self.wrong
        for start in range(0, len(columns), 500):
            part = columns[start : start + 500]
            inside = self.holds[:, part[:, 0]]
            for depth in range(1, part.shape[1]):
                inside = inside & self.holds[:, part[:, depth]]
            sizes, weight = inside.sum(axis=0), self.weights @ inside
            wrong = errors @ inside
            for place in np.flatnonzero(sizes >= self.least):
                rate = float(wrong[place] / weight[place])
                score = 0.0
                if rate > self.overall:
                    score = float(sizes[place]) * _divergence(rate, self.overall)
                yield tuple(part[place].tolist()), score


def _divergence(rate: float, other: float) -> float:
    """Return the Kullback-Leibler divergence of an item's error at one rate from another rate."""
    return float(rel_entr(rate, other) + rel_entr(1 - rate, 1 - other))


@dataclass(frozen=True)
class GroupRate:
    """The error rate of the items with one value of a metadata key, against all others.

    `is_worse`: it fails more often than the others, by the test with Holm's correction over all
    groups.
    """

    predicate: Predicate
    rate: Rate
    rest: Rate
    p_value: float
    is_worse: bool


def compare_groups(evidence: LabelledItems, keys: Sequence[str]) -> list[GroupRate]:
    """Compare each value of the declared keys with all other items; nothing is searched for.

    Groups of fewer than 30 items are left out.
    """
    wanted = [at for at, (key, _) in enumerate(evidence.predicates) if key in keys]
    wanted = [at for at in wanted if evidence.holds[:, at].sum() >= _LEAST_OF_GROUP]
    rates = []
    for at in wanted:
        inside = evidence.holds[:, at]
        rate, rest = evidence.rate(inside), evidence.rate(~inside)
        p_value = rate.chance_above(rest.rate) if rest.items else 1.0
        rates.append((evidence.predicates[at], rate, rest, p_value))
    worse = holm([one[-1] for one in rates])
    return [GroupRate(*one, is_worse) for one, is_worse in zip(rates, worse, strict=True)]
