"""The plan of a certification, made of out-of-fold predictions and unlabelled scores (pure)."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from services.trainer.promise.binomial import power
from services.trainer.promise.risk import (
    Float32Array,
    FloatArray,
    RiskCurve,
    as_scores,
    predict_risk,
)
from shared.contracts.certificates import attempt_delta

GRID_POINTS = 40
# Among starts of about equal power the strictest leaves most thresholds to be tested after it.
_POWER_TOLERANCE = 0.02
_FIRST_DRAW_SHARE = 2 / 3


@dataclass(frozen=True)
class CertificationPlan:
    """What will be tested, in which order and at which level: fixed before a label is seen.

    Grid entries run from the strictest threshold to the most generous one.

    Attributes
    ----------
    alpha : promised error, in (0, 1)
    delta : chance of certifying wrongly, all tests of a period together
    attempt : number of the test in its period, counted from 1
    delta_attempt : the part of delta that this draw of the test spends
    labels : verdicts to be tested, drawn uniformly among items at or above `region`; those of the
        test's earlier draws included
    region : lowest threshold of the candidate region, and the last of `thresholds`
    region_share : share of the unlabelled sample in the region
    thresholds : strictly falling float32 values
    shares : share of the region at or above each threshold, rising to 1
    predicted_errors : predicted error among those, padded by one error in the tune items there
    tune_items : number of tune items at or above each threshold
    start : index of the first threshold to be tested
    predicted_power : chance that the start passes, as predicted
    expected_coverage : predicted share of traffic answered; counts "not certified" as 0
    draw, draws : number of the draw in its test, counted from 1, and how many there may be
    """

    alpha: float
    delta: float
    attempt: int
    delta_attempt: float
    labels: int
    region: float
    region_share: float
    thresholds: tuple[float, ...]
    shares: tuple[float, ...]
    predicted_errors: tuple[float, ...]
    tune_items: tuple[float, ...]
    start: int
    predicted_power: float
    expected_coverage: float
    draw: int = 1
    draws: int = 1

    @property
    def labels_of_draw(self) -> int:
        """How many of the labels this draw adds: all draws of a test have as many."""
        return self.labels // self.draw

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy; float32 thresholds survive JSON unchanged."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "CertificationPlan":
        """Read back what `to_dict` wrote; missing or extra keys are a TypeError."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in stored.items()
        }
        return cls(**values)


def plan_certification(
    tune_scores: ArrayLike,
    tune_correct: ArrayLike,
    unlabelled_scores: ArrayLike,
    *,
    alpha: float,
    delta: float,
    labels: int,
    attempt: int = 1,
    draws: int = 1,
) -> CertificationPlan | None:
    """Choose the candidate region, the thresholds and the first one to test.

    Grid: quantiles of the unlabelled scores inside the region, never of certification labels.

    Parameters
    ----------
    tune_scores, tune_correct : shape (t,)
        Out-of-fold confidences, and whether the prediction was right.
    unlabelled_scores : shape (u,)
        This version's scores of a uniform sample of the population that labels are drawn from.
    labels : at least 1, those of the first draw
    attempt : number of the test in its period
    draws : how many draws the test may take (`next_draw`)

    Returns
    -------
    None if no threshold is predicted to keep the promise; `predicted_power` 0: too few labels.
    """
    if labels < 1:
        raise ValueError("a certification needs at least one label")
    curve = predict_risk(tune_scores, tune_correct, unlabelled_scores)
    if (region := curve.region(alpha)) is None:
        return None
    grid = _grid(curve, region, as_scores(tune_scores))
    spending = _Spending(delta, attempt, 1, draws)
    return _plan(grid, alpha, labels, spending)


def next_draw(plan: CertificationPlan) -> CertificationPlan | None:
    """Return the plan of the test's next draw; None after the last.

    It tests the labels of all draws up to it, at thresholds and levels that follow from the first
    plan alone, which was made before any label was seen. So the chance that any draw of the test
    certifies wrongly is at most the sum of the levels, `attempt_delta` (union bound): whether a
    draw is taken may depend on the labels before it.
    """
    if plan.draw >= plan.draws:
        return None
    shares = np.asarray(plan.shares)
    grid = _Grid(
        thresholds=np.asarray(plan.thresholds, dtype=np.float32),
        coverage=plan.region_share * shares,
        errors=np.asarray(plan.predicted_errors),
        items=np.asarray(plan.tune_items),
    )
    spending = _Spending(plan.delta, plan.attempt, plan.draw + 1, plan.draws)
    return _plan(grid, plan.alpha, plan.labels + plan.labels_of_draw, spending)


def best_power(plan: CertificationPlan) -> float:
    """Return the predicted power of the plan, or of a later draw if that has more."""
    power_now, later = plan.predicted_power, next_draw(plan)
    return power_now if later is None else max(power_now, best_power(later))


def draw_delta(delta: float, attempt: int, draw: int, draws: int) -> float:
    """Share of delta that one draw of a test may spend; those of all its draws make up the test's.

    A test that may take several spends most at the first: it is the cheapest to pass.

    Parameters
    ----------
    delta : in (0, 1)
    attempt : number of the test in its period, from 1
    draw, draws : number of the draw in its test, from 1, and how many there may be

    Examples
    --------
    >>> [round(draw_delta(0.05, 1, draw, 3), 4) for draw in (1, 2, 3)]
    [0.0267, 0.0067, 0.0067]
    """
    if not 1 <= draw <= draws:
        raise ValueError("a draw is one of the test's draws")
    if draws == 1:
        return attempt_delta(delta, attempt)
    share = _FIRST_DRAW_SHARE if draw == 1 else (1 - _FIRST_DRAW_SHARE) / (draws - 1)
    return attempt_delta(delta, attempt) * share


@dataclass(frozen=True)
class _Grid:
    """Grid points from strict to generous, and what is predicted at each; arrays of one shape."""

    thresholds: Float32Array
    coverage: FloatArray
    errors: FloatArray
    items: FloatArray

    @property
    def shares(self) -> FloatArray:
        out: FloatArray = self.coverage / self.coverage[-1]
        return out


def _grid(curve: RiskCurve, region: float, scores: Float32Array) -> _Grid:
    """Quantiles of the region's items; distinct, so ties may leave fewer than GRID_POINTS."""
    last = int(np.flatnonzero(curve.thresholds == np.float32(region))[0])
    wanted = curve.coverage[last] * np.arange(1, GRID_POINTS + 1) / GRID_POINTS
    # A quantile that rounding puts just above its item must not move the point to the next one.
    found = np.searchsorted(curve.coverage[: last + 1], wanted * (1 - 1e-12))
    at = np.unique(np.minimum(found, last))
    # Negated: both are looked up from the highest score down.
    items = np.searchsorted(np.sort(-scores), -curve.thresholds[at], side="right")
    return _Grid(
        thresholds=curve.thresholds[at],
        coverage=curve.coverage[at],
        errors=np.minimum(curve.selective_risk[at] + 1 / np.maximum(items, 1), 1.0),
        items=items.astype(np.float64),
    )


@dataclass(frozen=True)
class _Spending:
    """The place of a draw, which decides what it spends of delta (`draw_delta`)."""

    delta: float
    attempt: int
    draw: int
    draws: int


def _plan(grid: _Grid, alpha: float, labels: int, spending: _Spending) -> CertificationPlan:
    spent = draw_delta(**vars(spending))
    accepted = np.rint(labels * grid.shares).astype(np.int64)
    chance = power(accepted, grid.errors, spent, alpha)
    start = strictest_of_best_power(chance)
    return CertificationPlan(
        alpha=alpha,
        delta_attempt=spent,
        labels=labels,
        region=float(grid.thresholds[-1]),
        region_share=float(grid.coverage[-1]),
        thresholds=tuple(grid.thresholds.tolist()),
        shares=tuple(grid.shares.tolist()),
        predicted_errors=tuple(grid.errors.tolist()),
        tune_items=tuple(grid.items.tolist()),
        start=start,
        predicted_power=float(chance[start]),
        expected_coverage=_expected_coverage(chance[start:], grid.coverage[start:]),
        **vars(spending),
    )


def strictest_of_best_power(chance: FloatArray) -> int:
    """Return the first grid point to test, given the predicted power of each, strict to generous.

    Of those within 0.02 of the best the most generous one is too greedy, and the very top has too
    few labels to pass.
    """
    return int(np.flatnonzero(chance >= chance.max() - _POWER_TOLERANCE)[0])


def _expected_coverage(chance: FloatArray, coverage: FloatArray) -> float:
    """Sum of coverage steps times the chance that all points up to the step pass.

    That chance is taken as the smallest one so far: an upper bound, and a close one because the
    points' samples contain one another.
    """
    steps = np.diff(coverage, prepend=0.0)
    return float((steps * np.minimum.accumulate(chance)).sum())
