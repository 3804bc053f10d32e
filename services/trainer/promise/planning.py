"""The plan of a certification, made of out-of-fold predictions and unlabelled scores (pure)."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from services.trainer.promise.binomial import power
from services.trainer.promise.label_noise import Level, let_through, level_of_test, miss_rate_bound
from services.trainer.promise.risk import FloatArray, RiskCurve, as_scores, predict_risk
from shared.contracts.certificates import attempt_delta
from shared.contracts.human_error import LabelNoise

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
    alpha : error that the labels may show, in (0, 1): the promised one, less what reviewers miss
    delta : chance of certifying wrongly, all tests of a period together
    attempt : number of the test in its period, counted from 1
    delta_attempt : the part of delta that this draw's test of the labels spends
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
    misses, probes : known-wrong answers that reviewers let pass, of those asked (`label_noise`)
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
    misses: int = 0
    probes: int = 0
    draw: int = 1
    draws: int = 1

    @property
    def labels_of_draw(self) -> int:
        """How many of the labels this draw adds: all draws of a test have as many."""
        return self.labels // self.draw

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
    draws: int = 1,
    misses: int = 0,
    probes: int = 0,
) -> CertificationPlan | None:
    """Choose the candidate region, the thresholds and the first one to test.

    Thresholds are quantiles of the unlabelled scores in the region, never of certification labels.

    Parameters
    ----------
    tune_scores, tune_correct : shape (t,)
        Out-of-fold confidences, and whether the prediction was right.
    unlabelled_scores : shape (u,)
        This version's scores of a uniform sample of the population that labels are drawn from.
    alpha : in (0, 1), promised error
    labels : at least 1, those of the first draw
    attempt, draws : number of the test in its period, and the draws that it may take
    misses, probes : known-wrong answers that reviewers let pass, of those asked

    Returns
    -------
    None if no threshold is predicted to keep the promise; `predicted_power` 0: too few labels.
    """
    if labels < 1:
        raise ValueError("a certification needs at least one label")
    level = level_of_test(alpha, misses, probes, attempt_delta(delta, attempt))
    curve = predict_risk(tune_scores, tune_correct, unlabelled_scores)
    region = curve.region(level.alpha) if level.alpha > 0 else None
    fixed = {"delta": delta, "attempt": attempt, "labels": labels, "draws": draws}
    fixed |= {"misses": misses, "probes": probes}
    return None if region is None else _first_draw(curve, region, tune_scores, level, fixed)


def next_draw(plan: CertificationPlan) -> CertificationPlan | None:
    """Return the plan of the test's next draw; None after the last.

    It tests the labels of all draws up to it, at thresholds and levels that follow from the first
    plan alone, which was made before any label was seen. So the chance that any draw of the test
    certifies wrongly is at most the sum of the levels, that of the test (union bound): whether a
    draw is taken may depend on the labels before it. The bound of the miss rate stays that of the
    first plan.
    """
    if plan.draw >= plan.draws:
        return None
    coverage = plan.region_share * np.asarray(plan.shares)
    later = replace(
        plan,
        # Not the shares themselves: a plan that is verified must be rounded as it was made.
        shares=tuple((coverage / coverage[-1]).tolist()),
        delta_attempt=plan.delta_attempt
        / draw_share(plan.draw, plan.draws)
        * draw_share(plan.draw + 1, plan.draws),
        labels=plan.labels + plan.labels_of_draw,
        draw=plan.draw + 1,
    )
    return _with_start(later, coverage)


def best_power(plan: CertificationPlan) -> float:
    """Return the predicted power of the plan, or of a later draw if that has more."""
    power_now, later = plan.predicted_power, next_draw(plan)
    return power_now if later is None else max(power_now, best_power(later))


def draw_share(draw: int, draws: int) -> float:
    """Return the share of a test's delta that one of its draws may spend; they make up 1.

    The first draw spends most: it is the cheapest to pass.

    Parameters
    ----------
    draw, draws : number of the draw in its test, from 1, and how many there may be

    Examples
    --------
    >>> [round(draw_share(draw, 3), 3) for draw in (1, 2, 3)], draw_share(1, 1)
    ([0.667, 0.167, 0.167], 1.0)
    """
    if not 1 <= draw <= draws:
        raise ValueError("a draw is one of the test's draws")
    if draws == 1:
        return 1.0
    return _FIRST_DRAW_SHARE if draw == 1 else (1 - _FIRST_DRAW_SHARE) / (draws - 1)


def _first_draw(
    curve: RiskCurve, region: float, tune_scores: ArrayLike, level: Level, fixed: dict[str, Any]
) -> CertificationPlan:
    """Return the plan of a test's first draw at a level, of which `fixed` depends on no score.

    The thresholds are quantiles of the region's items; distinct, so ties may leave fewer than
    GRID_POINTS.
    """
    last = int(np.flatnonzero(curve.thresholds == np.float32(region))[0])
    wanted = curve.coverage[last] * np.arange(1, GRID_POINTS + 1) / GRID_POINTS
    # A quantile that rounding puts just above its item must not move the point to the next one.
    found = np.searchsorted(curve.coverage[: last + 1], wanted * (1 - 1e-12))
    at = np.unique(np.minimum(found, last))
    thresholds, coverage = curve.thresholds[at], curve.coverage[at]
    # Negated: both are looked up from the highest score down.
    items = np.searchsorted(np.sort(-as_scores(tune_scores)), -thresholds, side="right")
    errors = np.minimum(curve.selective_risk[at] + 1 / np.maximum(items, 1), 1.0)
    plan = CertificationPlan(
        alpha=level.alpha,
        delta_attempt=level.delta * draw_share(1, fixed["draws"]),
        region=float(thresholds[-1]),
        region_share=float(coverage[-1]),
        thresholds=tuple(thresholds.tolist()),
        shares=tuple((coverage / coverage[-1]).tolist()),
        predicted_errors=tuple(errors.tolist()),
        tune_items=tuple(items.astype(np.float64).tolist()),
        start=0,
        predicted_power=0.0,
        expected_coverage=0.0,
        **fixed,
    )
    return _with_start(plan, coverage)


def _with_start(plan: CertificationPlan, coverage: FloatArray) -> CertificationPlan:
    """Return the plan with the first threshold to test, and what is predicted of it."""
    accepted = np.rint(plan.labels * np.asarray(plan.shares)).astype(np.int64)
    chance = power(accepted, plan.predicted_errors, plan.delta_attempt, plan.alpha)
    start = strictest_of_best_power(chance)
    return replace(
        plan,
        start=start,
        predicted_power=float(chance[start]),
        expected_coverage=_expected_coverage(chance[start:], coverage[start:]),
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
