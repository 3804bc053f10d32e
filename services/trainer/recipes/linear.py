"""A linear head on a matrix of features: standardised, with class weights, NaN for the unknown."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from services.trainer.recipes.exporting import constant, linear_nodes
from services.trainer.recipes.features import ABSENT_LOGIT, coefficients_of
from services.trainer.recipes.recipe import FloatArray, IntArray

# A value so many deviations from the mean says no more than one that is further away.
_FURTHEST = 10.0
_MAX_ITERATIONS = 1_000
_SMALLEST_DEVIATION = 1e-6


@dataclass(frozen=True)
class LinearModel:
    """Logits of standardised features, and of whether each is unknown.

    Attributes
    ----------
    mean, deviation : shape (d,), float32 values
        The graph computes with these very numbers.
    weights : shape (2d, K)
        Of the standardised features, then of a 1 for each that is NaN.
    bias : shape (K,)
    """

    mean: FloatArray
    deviation: FloatArray
    weights: FloatArray
    bias: FloatArray

    def logits(self, features: FloatArray) -> FloatArray:
        """Return the logits of n rows, shape (n, K); labels without an example have -10,000."""
        known = _standardised(features, self.mean, self.deviation)
        unknown = np.isnan(features).astype(np.float64)
        return np.asarray(np.hstack([known, unknown]) @ self.weights + self.bias)

    def nodes(self, features: str, logits: str) -> tuple[list[Any], list[Any]]:
        """Return the graph's nodes and constants from the features to the logits."""
        head, constants = linear_nodes("/inputs", logits, self.weights, self.bias)
        nodes = [
            helper.make_node("IsNaN", [features], ["/is_unknown"]),
            helper.make_node("Cast", ["/is_unknown"], ["/unknown"], to=1),
            helper.make_node("Where", ["/is_unknown", "/mean", features], ["/filled"]),
            helper.make_node("Sub", ["/filled", "/mean"], ["/centred"]),
            helper.make_node("Div", ["/centred", "/deviation"], ["/scaled_features"]),
            helper.make_node("Clip", ["/scaled_features", "/low", "/high"], ["/clipped"]),
            helper.make_node("Concat", ["/clipped", "/unknown"], ["/inputs"], axis=1),
        ]
        return nodes + head, [
            *constants,
            constant("/mean", self.mean),
            constant("/deviation", self.deviation),
            constant("/low", np.float32(-_FURTHEST)),
            constant("/high", np.float32(_FURTHEST)),
        ]


def fit_linear(
    features: FloatArray,
    targets: IntArray,
    weights: FloatArray,
    n_classes: int,
    *,
    strength: float,
    balance: float = 0.0,
) -> LinearModel:
    """Fit a multinomial logistic regression.

    Parameters
    ----------
    features : shape (n, d), NaN where unknown
    targets : shape (n,), in 0..n_classes-1, at least two of them present
    weights : shape (n,), above 0; scaled to mean 1, so that `strength` keeps its meaning
    strength : above 0
        Inverse of the regularisation (C).
    balance : in [0, 1]
        Each label's rows are weighted by its share to the power of minus this: 0 leaves them as
        they are, with 1 all labels together weigh the same.
    """
    mean, deviation = _scale(features, weights)
    inputs = np.hstack([_standardised(features, mean, deviation), np.isnan(features)])
    used = np.flatnonzero(inputs.any(axis=0))
    present, place = np.unique(targets, return_inverse=True)
    share = np.bincount(place, weights=weights) / weights.sum()
    balanced = weights * share[place] ** -balance
    # All features may be the same for all rows: then the bias alone is learned.
    columns = inputs[:, used] if len(used) else np.zeros((len(inputs), 1))
    coefficients, intercept = _logistic(columns, targets, balanced / balanced.mean(), strength)
    out, bias = np.zeros((inputs.shape[1], n_classes)), np.full(n_classes, ABSENT_LOGIT)
    out[np.ix_(used, present)] = coefficients.T[: len(used)]
    bias[present] = intercept
    return LinearModel(mean, deviation, out, bias)


def _logistic(
    columns: FloatArray, targets: IntArray, weights: FloatArray, strength: float
) -> tuple[FloatArray, FloatArray]:
    """Return coefficients (labels present, d) and intercepts (labels present,)."""
    model = LogisticRegression(C=strength, max_iter=_MAX_ITERATIONS, tol=1e-6)
    # More threads would only spin on matrices this small, and would change the last digits.
    with threadpool_limits(limits=1):
        model.fit(columns, targets, sample_weight=weights)
    return coefficients_of(model)


def _scale(features: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and deviation of each column, as float32 values; 0 and 1 if all is unknown."""
    known = ~np.isnan(features)
    mass = np.maximum((known * weights[:, None]).sum(axis=0), np.finfo(np.float64).tiny)
    filled = np.where(known, features, 0.0)
    mean = (filled * weights[:, None]).sum(axis=0) / mass
    spread = np.where(known, features - mean, 0.0)
    deviation = np.sqrt((spread**2 * weights[:, None]).sum(axis=0) / mass)
    # A column that does not vary tells nothing, and what varies by rounding alone neither.
    is_flat = deviation <= _SMALLEST_DEVIATION * np.maximum(np.abs(mean), _SMALLEST_DEVIATION)
    deviation = np.where(is_flat, 1.0, deviation)
    rounded = (mean.astype(np.float32), deviation.astype(np.float32))
    return rounded[0].astype(np.float64), rounded[1].astype(np.float64)


def _standardised(features: FloatArray, mean: FloatArray, deviation: FloatArray) -> FloatArray:
    scaled = np.clip((features - mean) / deviation, -_FURTHEST, _FURTHEST)
    return np.where(np.isnan(features), 0.0, scaled)
