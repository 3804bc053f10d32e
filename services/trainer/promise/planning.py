"""The plan of a certification, made of out-of-fold predictions and unlabelled scores (pure)."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from services.trainer.promise.binomial import power
from services.trainer.promise.label_noise import Level, let_through, level_of_test, miss_rate_bound
from services.trainer.promise.risk import (
    Float32Array,
    FloatArray,
    RiskCurve,
    as_scores,
    predict_risk,
)
from shared.contracts.certificates import attempt_delta
from shared.contracts.human_error import LabelNoise

GRID_POINTS = 40
# Among starts of about equal power the strictest leaves most thresholds to be tested after it.
_POWER_TOLERANCE = 0.02


@dataclass(frozen=True)
class CertificationPlan:
    """What will be tested, in which order and at which level: fixed before a label is seen.

    Grid entries run from the strictest threshold to the most generous one.

    Attributes
    ----------
    alpha : error that the labels may show, in (0, 1): the promised one, less what reviewers miss
    delta : chance of certifying wrongly, all tests of a period together
    attempt : number of the test in its period, counted from 1
    delta_attempt : the part of delta that the test of the labels spends
    labels : verdicts to be tested, drawn uniformly among items at or above `region`
    region : lowest threshold of the candidate region, and the last of `thresholds`
    region_share : share of the unlabelled sample in the region
    thresholds : strictly falling float32 values
    shares : share of the region at or above each threshold, rising to 1
    predicted_errors : predicted error among those, padded by one error in the tune items there
    tune_items : number of tune items at or above each threshold
    start : index of the first threshold to be tested
    predicted_power : chance that the start passes, as predicted
    expected_coverage : predicted share of traffic answered; counts "not certified" as 0
    misses, probes : known-wrong answers that reviewers let pass, of those asked (`label_noise`)
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
    misses: int = 0
    probes: int = 0

    @property
    def label_noise(self) -> LabelNoise:
        """How the plan allows for wrong answers that reviewers miss."""
        spent = attempt_delta(self.delta, self.attempt)
        bound = miss_rate_bound(self.misses, self.probes, spent)
        return LabelNoise(
            state="uncorrected" if bound is None else "corrected",
            probes=self.probes,
            misses=self.misses,
            miss_rate_bound=bound,
            target_tested=self.alpha,
        )

    @property
    def promised_alpha(self) -> float:
        """The error that is promised."""
        return round(self.alpha / self._share_shown, 12)

    def true_error(self, shown: float) -> float:
        """Return the most that the true error can be where labels show an error of `shown`."""
        return min(1.0, shown / self._share_shown)

    @property
    def _share_shown(self) -> float:
        """Share of the wrong answers that the labels show at least."""
        return 1 - let_through(self.label_noise.miss_rate_bound or 0.0)

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
    misses: int = 0,
    probes: int = 0,
) -> CertificationPlan | None:
    """Choose the candidate region, the thresholds and the first one to test.

    Grid: quantiles of the unlabelled scores inside the region, never of certification labels.

    Parameters
    ----------
    tune_scores, tune_correct : shape (t,)
        Out-of-fold confidences, and whether the prediction was right.
    unlabelled_scores : shape (u,)
        This version's scores of a uniform sample of the population that labels are drawn from.
    alpha : in (0, 1), promised error
    labels : at least 1, all labels that the given attempt will test
    misses, probes : known-wrong answers that reviewers let pass, of those asked

    Returns
    -------
    None if no threshold is predicted to keep the promise; `predicted_power` 0: too few labels.
    """
    if labels < 1:
        raise ValueError("a certification needs at least one label")
    level = level_of_test(alpha, misses, probes, attempt_delta(delta, attempt))
    curve = predict_risk(tune_scores, tune_correct, unlabelled_scores)
    if level.alpha <= 0 or (region := curve.region(level.alpha)) is None:
        return None
    grid = _grid(curve, region, as_scores(tune_scores))
    return _plan(grid, level=level, delta=delta, labels=labels, attempt=attempt)


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


def _plan(
    grid: _Grid, *, level: Level, delta: float, labels: int, attempt: int
) -> CertificationPlan:
    accepted = np.rint(labels * grid.shares).astype(np.int64)
    chance = power(accepted, grid.errors, level.delta, level.alpha)
    start = strictest_of_best_power(chance)
    return CertificationPlan(
        alpha=level.alpha,
        delta=delta,
        attempt=attempt,
        delta_attempt=level.delta,
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
        misses=level.misses,
        probes=level.probes,
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
