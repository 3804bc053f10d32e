"""Predicted risk of answering alone, from out-of-fold predictions and unlabelled traffic (pure).

Nothing here proves anything: these predictions choose where labels are asked for and which
thresholds are tested. A bad prediction costs power, never validity.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class RiskCurve:
    """What answering everything at or above a threshold is predicted to do.

    Attributes
    ----------
    thresholds : shape (m,), float32, strictly falling
        The distinct scores of the unlabelled sample.
    coverage : shape (m,), in (0, 1], rising
        Share of the unlabelled sample at or above each threshold.
    selective_risk : shape (m,), in [0, 1], never falling
        Predicted error among that share.
    """

    thresholds: Float32Array
    coverage: FloatArray
    selective_risk: FloatArray

    def region(self, alpha: float) -> float | None:
        """Lowest threshold with a predicted risk of at most alpha, or None: all err more often.

        Certification labels are drawn only at or above it, because labels elsewhere prove nothing
        about what will be answered.
        """
        passing = np.flatnonzero(self.selective_risk <= alpha)
        return float(self.thresholds[passing[-1]]) if len(passing) else None


def as_scores(scores: ArrayLike) -> Float32Array:
    """Scores in the dtype that routing compares.

    Raises
    ------
    ValueError
        Not one-dimensional, or a value outside [0, 1] (NaN included).
    """
    out = np.asarray(scores, dtype=np.float32)
    if out.ndim != 1 or not ((out >= 0) & (out <= 1)).all():
        raise ValueError("scores must be one-dimensional and lie in [0, 1]")
    return out


def predict_risk(
    tune_scores: ArrayLike, tune_correct: ArrayLike, unlabelled_scores: ArrayLike
) -> RiskCurve:
    """Selective risk of every threshold on unlabelled items, by isotonic regression.

    The error given the score is fitted on the tune items as a falling function (pool adjacent
    violators, interpolated) and averaged over the unlabelled items at or above each threshold.

    Parameters
    ----------
    tune_scores, tune_correct : shape (t,), t at least 1
        Out-of-fold confidences and whether the prediction was right.
    unlabelled_scores : shape (u,), u at least 1
        Scores of a recent uniform sample.

    References
    ----------
    Geifman, El-Yaniv, NeurIPS 2017 (selective risk); Barlow et al. 1972 (isotonic regression).
    """
    scores, unlabelled = as_scores(tune_scores), as_scores(unlabelled_scores)
    wrong = ~np.asarray(tune_correct, dtype=np.bool_)
    if len(scores) != len(wrong) or not len(scores) or not len(unlabelled):
        raise ValueError("tune arrays must have one length, and no array may be empty")
    knots, fitted = _error_given_score(scores, wrong)
    thresholds, counts = np.unique(unlabelled, return_counts=True)
    thresholds, counts = thresholds[::-1], counts[::-1].astype(np.float64)
    accepted = np.cumsum(counts)
    predicted = np.interp(thresholds, knots, fitted)
    return RiskCurve(
        thresholds=thresholds,
        coverage=accepted / len(unlabelled),
        selective_risk=np.cumsum(predicted * counts) / accepted,
    )


def _error_given_score(scores: Float32Array, wrong: BoolArray) -> tuple[Float32Array, FloatArray]:
    """Distinct scores, rising, and the isotonic error at each, falling."""
    knots, inverse = np.unique(scores, return_inverse=True)
    mass = np.bincount(inverse).astype(np.float64)
    mean = np.bincount(inverse, weights=wrong) / mass
    fitted = isotonic_regression(mean, weights=mass, increasing=False).x
    return knots, np.asarray(fitted, dtype=np.float64)
