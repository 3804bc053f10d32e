"""Calibration of out-of-fold predictions, and its figures (pure).

Temperature scaling has one number, bias-corrected temperature scaling one and a bias for each
label, vector scaling a factor and a bias for each label. The last two are tried where there are
enough labels of each class, and chosen where cross-validation shows that they are better.

For n rows, at least one, and K labels: `logits` and `probabilities` have shape (n, K), `targets`
shape (n,) and values in 0..K-1, `weights` shape (n,) and are not all 0.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax

from services.trainer.recipes.recipe import BoolArray, FloatArray, IntArray

Method = Literal["temperature", "bias_corrected_temperature", "vector"]
ENOUGH_LABELS = 50
"""So many labels of each class that has any are needed to fit a number for each class."""

# Temperatures outside [0.05, 20] mean that the logits carry no usable scale.
_LOG_TEMPERATURE_BOUNDS = (-3.0, 3.0)
_BIAS_BOUNDS = (-10.0, 10.0)
_SMALLEST_PROBABILITY = 1e-12


def log_loss(logits: FloatArray, targets: IntArray, weights: FloatArray) -> float:
    """Weighted mean negative log probability of the true label.

    Returns
    -------
    float in [0, -log 1e-12]: probabilities are cut at 1e-12, so one impossible label stays finite.
    """
    return float(np.average(row_losses(logits, targets), weights=weights))


def row_losses(logits: FloatArray, targets: IntArray) -> FloatArray:
    """Negative log probability of each row's true label, cut likewise; shape (n,)."""
    chosen = log_softmax(logits, axis=1)[np.arange(len(targets)), targets]
    return np.asarray(-np.maximum(chosen, np.log(_SMALLEST_PROBABILITY)), dtype=np.float64)


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


@dataclass(frozen=True)
class Calibration:
    """Calibrated probabilities are softmax(logits · scale + bias).

    Attributes
    ----------
    scale : shape (K,), above 0
        All the same, but for vector scaling.
    bias : shape (K,)
        All 0 for temperature scaling, and for labels without an example.
    """

    method: Method
    scale: FloatArray
    bias: FloatArray

    @classmethod
    def of_temperature(cls, temperature: float, n_classes: int) -> "Calibration":
        """Return temperature scaling."""
        return cls("temperature", np.full(n_classes, 1 / temperature), np.zeros(n_classes))

    def apply(self, logits: FloatArray) -> FloatArray:
        """Return calibrated logits, shape (n, K)."""
        return np.asarray(logits * self.scale + self.bias, dtype=np.float64)

    def probabilities(self, logits: FloatArray) -> FloatArray:
        """Return calibrated probabilities, shape (n, K)."""
        return np.asarray(softmax(self.apply(logits), axis=1), dtype=np.float64)

    def described(self) -> dict[str, Any]:
        """Return what the manifest says: the method and its numbers, labels in their order."""
        described: dict[str, Any] = {"method": self.method}
        if self.method == "vector":
            described["scale"] = self.scale.tolist()
        else:
            described["temperature"] = float(1 / self.scale[0])
        if self.method != "temperature":
            described["bias"] = self.bias.tolist()
        return described


def choose_calibration(
    logits: FloatArray, targets: IntArray, weights: FloatArray, fold_of: IntArray
) -> tuple[Calibration, dict[str, float]]:
    """Choose the method by cross-validated log loss, and fit it on all rows.

    A method with more numbers is chosen only if its log loss is lower by more than one standard
    error of the difference. With fewer than `ENOUGH_LABELS` labels of a class that has any, there
    is only temperature scaling.

    Parameters
    ----------
    logits, targets, weights
        Of rows that the model had not seen.
    fold_of : shape (n,), from 0 on
        The fold of each row; each method is judged on rows of folds that it was not fitted on.

    Returns
    -------
    The calibration, and the cross-validated log loss of each method that was tried.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger, ICML 2017 (temperature and vector scaling). Alexandari, Kundaje,
    Shrikumar, ICML 2020 (bias-corrected temperature scaling). Breiman, Friedman, Olshen, Stone,
    1984 (one standard error).
    """
    losses = {
        method: _held_out_losses(method, logits, targets, weights, fold_of)
        for method in _methods(targets, fold_of)
    }
    chosen: Method = "temperature"
    for method, loss in losses.items():
        saved = losses[chosen] - loss
        mean = float(np.average(saved, weights=weights))
        variance = float(np.average((saved - mean) ** 2, weights=weights))
        if mean > np.sqrt(variance / len(saved)):
            chosen = method
    means = {str(name): float(np.average(x, weights=weights)) for name, x in losses.items()}
    return fit_calibration(chosen, logits, targets, weights), means


def _methods(targets: IntArray, fold_of: IntArray) -> list[Method]:
    """Return the methods that the labels suffice for, those with fewer numbers first."""
    counts = np.bincount(targets)
    if len(np.unique(fold_of)) > 1 and counts[counts > 0].min() >= ENOUGH_LABELS:
        return ["temperature", "bias_corrected_temperature", "vector"]
    return ["temperature"]


def _held_out_losses(
    method: Method, logits: FloatArray, targets: IntArray, weights: FloatArray, fold_of: IntArray
) -> FloatArray:
    """Log loss of each row by a calibration that was fitted on the other folds, shape (n,)."""
    losses = np.zeros(len(targets))
    folds = np.unique(fold_of)
    for fold in folds:
        held_out = fold_of == fold
        rest = ~held_out if len(folds) > 1 else held_out
        fitted = fit_calibration(method, logits[rest], targets[rest], weights[rest])
        losses[held_out] = row_losses(fitted.apply(logits[held_out]), targets[held_out])
    return losses


def fit_calibration(
    method: Method, logits: FloatArray, targets: IntArray, weights: FloatArray
) -> Calibration:
    """Fit one method: minimise the weighted log loss of softmax(logits · scale + bias).

    The logarithms of scales lie in [-3, 3] and biases in [-10, 10]; a label without an example
    keeps the temperature's scale and no bias.
    """
    n_classes = logits.shape[1]
    simple = Calibration.of_temperature(fit_temperature(logits, targets, weights), n_classes)
    if method == "temperature":
        return simple
    present = np.unique(targets)
    n_scales = len(present) if method == "vector" else 1
    shares, hit = weights / weights.sum(), np.eye(n_classes)[targets]
    problem = _Problem(logits, hit, shares, present, n_scales, simple.scale)
    start = np.concatenate([np.full(n_scales, np.log(simple.scale[0])), np.zeros(len(present))])
    bounds = [_LOG_TEMPERATURE_BOUNDS] * n_scales + [_BIAS_BOUNDS] * len(present)
    limits: dict[str, Any] = {"maxiter": 200, "ftol": 1e-8}
    best: Any = minimize(  # type: ignore[call-overload]
        problem.loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=limits
    )
    scale, bias = problem.unpack(best.x)
    # A common shift of all labels with an example changes nothing.
    bias[present] -= bias[present].mean()
    return Calibration(method, scale, bias)


@dataclass(frozen=True)
class _Problem:
    """The log loss as a function of the logarithms of `n_scales` scales, and of biases.

    `hit` has 1 at each row's label, `shares` sum to 1, and `present` are the labels with an
    example, each with a bias and, unless there is one for all, a scale.
    """

    logits: FloatArray
    hit: FloatArray
    shares: FloatArray
    present: IntArray
    n_scales: int
    usual_scale: FloatArray

    def unpack(self, numbers: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return scale and bias of every label."""
        bias = np.zeros(len(self.usual_scale))
        bias[self.present] = numbers[self.n_scales :]
        if self.n_scales == 1:
            return np.full(len(bias), np.exp(numbers[0])), bias
        scale = self.usual_scale.copy()
        scale[self.present] = np.exp(numbers[: self.n_scales])
        return scale, bias

    def loss(self, numbers: FloatArray) -> tuple[float, FloatArray]:
        """Return the loss and its gradient."""
        scale, bias = self.unpack(numbers)
        scaled = self.logits * scale + bias
        slope = (softmax(scaled, axis=1) - self.hit) * self.shares[:, None]
        by_scale = (slope * self.logits).sum(axis=0) * scale
        free = by_scale[self.present] if self.n_scales > 1 else by_scale.sum(keepdims=True)
        value = float(-(log_softmax(scaled, axis=1) * self.hit).sum(axis=1) @ self.shares)
        return value, np.concatenate([free, slope.sum(axis=0)[self.present]])


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
