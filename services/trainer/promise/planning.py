"""Choosing what a certification will test, from out-of-fold predictions and traffic (pure)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.trainer.promise.binomial import power
from services.trainer.promise.plan import CertificationPlan
from services.trainer.promise.risk import (
    RiskCurve,
    as_scores,
    as_weights,
    lowest_passing,
    predict_risk,
)
from shared.contracts.certificates import attempt_delta

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

GRID_POINTS = 40
# Among starts of about equal power the strictest leaves most thresholds to be tested after it.
_POWER_TOLERANCE = 0.02


def plan_certification(
    tune_scores: ArrayLike,
    tune_correct: ArrayLike,
    unlabelled_scores: ArrayLike,
    *,
    alpha: float,
    delta: float,
    labels: int,
    attempt: int = 1,
    tune_weights: ArrayLike | None = None,
) -> CertificationPlan | None:
    """Choose the candidate region, the thresholds and the first one to test.

    Grid: quantiles of the unlabelled scores inside the region, never of certification labels.
    Start: the strictest grid point with a predicted power within 0.02 of the best; the most
    generous such point is too greedy, and the very top has too few labels to pass.

    Parameters
    ----------
    tune_scores, tune_correct, tune_weights : shape (t,)
        Out-of-fold confidences, whether right, and 1 / propensity (equal if not given).
    unlabelled_scores : shape (u,)
        This version's scores of a uniform sample of the population that labels are drawn from.
    labels : at least 1, all labels that the given attempt will test

    Returns
    -------
    None if no threshold is predicted to keep the promise. A `predicted_power` of 0 means that
    so few labels cannot certify anything.
    """
    if labels < 1:
        raise ValueError("a certification needs at least one label")
    curve = predict_risk(tune_scores, tune_correct, unlabelled_scores, tune_weights)
    region = lowest_passing(curve, alpha)
    if region is None:
        return None
    scores = as_scores(tune_scores)
    grid = _grid(curve, region, scores, as_weights(tune_weights, len(scores)))
    return _plan(grid, alpha=alpha, delta=delta, labels=labels, attempt=attempt)


def plan_draws(
    tune_scores: ArrayLike,
    tune_correct: ArrayLike,
    unlabelled_scores: ArrayLike,
    *,
    alpha: float,
    delta: float,
    labels: int,
    draws: int,
    tune_weights: ArrayLike | None = None,
) -> list[CertificationPlan]:
    """Plan several draws of `labels` items at once; the k-th attempt tests the first k draws.

    Because all plans are fixed before the first label is seen, a later attempt may use the labels
    of earlier ones again: each attempt is wrong with a chance of at most its own part of delta,
    whatever happened before it. Region and grid are the same in all plans.

    Returns
    -------
    One plan an attempt, or none at all if there is no candidate region.
    """
    plans = [
        plan_certification(
            tune_scores,
            tune_correct,
            unlabelled_scores,
            alpha=alpha,
            delta=delta,
            labels=labels * attempt,
            attempt=attempt,
            tune_weights=tune_weights,
        )
        for attempt in range(1, draws + 1)
    ]
    return [plan for plan in plans if plan is not None]


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


def _grid(curve: RiskCurve, region: float, scores: Float32Array, weights: FloatArray) -> _Grid:
    """Quantiles of the region's items; distinct, so ties may leave fewer than GRID_POINTS."""
    last = int(np.flatnonzero(curve.thresholds == np.float32(region))[0])
    wanted = curve.coverage[last] * np.arange(1, GRID_POINTS + 1) / GRID_POINTS
    # A quantile that rounding puts just above its item must not move the point to the next one.
    found = np.searchsorted(curve.coverage[: last + 1], wanted * (1 - 1e-12))
    at = np.unique(np.minimum(found, last))
    items = _effective_items(scores, weights, curve.thresholds[at])
    return _Grid(
        thresholds=curve.thresholds[at],
        coverage=curve.coverage[at],
        errors=np.minimum(curve.selective_risk[at] + 1 / np.maximum(items, 1), 1.0),
        items=items,
    )


def _plan(
    grid: _Grid, *, alpha: float, delta: float, labels: int, attempt: int
) -> CertificationPlan:
    spent = attempt_delta(delta, attempt)
    accepted = np.rint(labels * grid.shares).astype(np.int64)
    chance = power(accepted, grid.errors, spent, alpha)
    start = int(np.flatnonzero(chance >= chance.max() - _POWER_TOLERANCE)[0])
    return CertificationPlan(
        alpha=alpha,
        delta=delta,
        attempt=attempt,
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
    )


def _effective_items(
    scores: Float32Array, weights: FloatArray, thresholds: Float32Array
) -> FloatArray:
    """Kish's effective number of tune items at or above each threshold."""
    order = np.argsort(-scores, kind="stable")
    accepted = np.searchsorted(-scores[order], -thresholds, side="right")
    total = np.concatenate([[0.0], np.cumsum(weights[order])])[accepted]
    squares = np.concatenate([[0.0], np.cumsum(weights[order] ** 2)])[accepted]
    out: FloatArray = np.divide(total**2, squares, out=np.zeros(len(total)), where=squares > 0)
    return out


def _expected_coverage(chance: FloatArray, coverage: FloatArray) -> float:
    """Sum of coverage steps times the chance that all points up to the step pass.

    That chance is taken as the smallest one so far: an upper bound, and a close one because the
    points' samples contain one another.
    """
    steps = np.diff(coverage, prepend=0.0)
    return float((steps * np.minimum.accumulate(chance)).sum())
