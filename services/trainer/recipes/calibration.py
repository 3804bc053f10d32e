"""Temperature scaling and the calibration figures of out-of-fold predictions (pure).

For n rows, at least one, and K labels: `logits` and `probabilities` have shape (n, K), `targets`
shape (n,) and values in 0..K-1, `weights` shape (n,) and are not all 0.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from services.trainer.recipes.recipe import BoolArray, FloatArray, IntArray

# Temperatures outside [0.05, 20] mean that the logits carry no usable scale.
_LOG_TEMPERATURE_BOUNDS = (-3.0, 3.0)
_SMALLEST_PROBABILITY = 1e-12


def log_loss(logits: FloatArray, targets: IntArray, weights: FloatArray) -> float:
    """Weighted mean negative log probability of the true label.

    Returns
    -------
    float in [0, -log 1e-12]: probabilities are cut at 1e-12, so one impossible label stays finite.
    """
    chosen = log_softmax(logits, axis=1)[np.arange(len(targets)), targets]
    return float(np.average(-np.maximum(chosen, np.log(_SMALLEST_PROBABILITY)), weights=weights))


def fit_temperature(logits: FloatArray, targets: IntArray, weights: FloatArray) -> float:
    """Temperature T that minimises the weighted log loss of softmax(logits / T).

    One number moves no argmax, so accuracy stays as it was. Fit it on predictions for rows that
    the model has not seen: on its training rows every model looks too modest.

    Returns
    -------
    float in [0.05, 20]; 1.0 if no other temperature is better.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger, ICML 2017.

    Examples
    --------
    >>> logits = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]])
    >>> round(fit_temperature(logits, np.array([0, 0, 0, 1]), np.ones(4)), 2)
    3.64
    """

    def loss(log_temperature: float) -> float:
        return log_loss(logits / np.exp(log_temperature), targets, weights)

    best = minimize_scalar(loss, bounds=_LOG_TEMPERATURE_BOUNDS, method="bounded")
    return float(np.exp(best.x)) if best.fun < loss(0.0) else 1.0


def brier_score(probabilities: FloatArray, targets: IntArray, weights: FloatArray) -> float:
    """Weighted mean squared distance between the probabilities and the true label's indicator.

    Returns
    -------
    float in [0, 2]; 0 is perfect.

    References
    ----------
    Brier, Monthly Weather Review 78 (1950).
    """
    indicator = np.eye(probabilities.shape[1])[targets]
    return float(np.average(((probabilities - indicator) ** 2).sum(axis=1), weights=weights))


def expected_calibration_error(
    confidence: FloatArray, correct: BoolArray, weights: FloatArray, *, n_bins: int = 15
) -> float:
    """Average gap between confidence and accuracy over bins of equally many rows.

    Biased upwards on small samples: for display, never a gate.

    Parameters
    ----------
    confidence : shape (n,), in [0, 1], n at least 1
        Probability of the predicted label.
    correct : shape (n,)
    weights : shape (n,), above 0
    n_bins : at least 1; with fewer rows than bins each row is its own bin.

    Returns
    -------
    float in [0, 1]; 0 is perfect.

    References
    ----------
    Nguyen and O'Connor, EMNLP 2015 (equal-mass bins); Naeini et al., AAAI 2015.

    Examples
    --------
    >>> ece = expected_calibration_error(
    ...     np.array([0.9, 0.9]), np.array([True, False]), np.ones(2), n_bins=1
    ... )
    >>> round(ece, 3)
    0.4
    """
    order = np.argsort(confidence, kind="stable")
    gaps = (np.asarray(correct, dtype=np.float64) - confidence) * weights
    bins = np.array_split(order, min(n_bins, len(order)))
    return float(sum(abs(gaps[rows].sum()) for rows in bins) / weights.sum())
