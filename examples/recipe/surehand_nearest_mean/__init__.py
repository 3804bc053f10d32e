"""Recipe `nearest-mean`: the label whose mean vector is nearest.

A worked example of a recipe in a package of its own. `docs/how-to/write-a-recipe.md` goes through
it. The squared distance of x to the mean m of a label is |x|² - 2 x·m + |m|²; |x|² is the same for
all labels, so the logits x·2m - |m|² are linear in x, and the graph is one matrix product.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.crossfit import content_keys, folds_for
from services.trainer.recipes.evidence import (
    Logits,
    checkable,
    cross_fit_rows,
    evidence_of,
    fold_progress,
    label_notes,
)
from services.trainer.recipes.exporting import OUTPUT, calibrated_nodes, linear_nodes, serialise
from services.trainer.recipes.features import ABSENT_LOGIT
from services.trainer.recipes.parity import check_parity
from services.trainer.recipes.recipe import (
    FittedModel,
    FloatArray,
    IntArray,
    Progress,
    Recipe,
    RecipeRefused,
    TrainingData,
)
from shared.fields.types import AnyField


@dataclass(frozen=True)
class Means:
    """The trained model: `weights` (d, K) and `bias` (K,) of the logits."""

    weights: FloatArray
    bias: FloatArray

    @classmethod
    def of(cls, vectors: FloatArray, data: TrainingData, rows: IntArray) -> "Means":
        """Take the weighted mean of each label over some rows; a label without any stays absent."""
        n_classes, dimensions = len(data.classes), vectors.shape[1]
        weights, bias = np.zeros((dimensions, n_classes)), np.full(n_classes, ABSENT_LOGIT)
        for label in np.unique(data.targets[rows]):
            own = rows[data.targets[rows] == label]
            mean = np.average(vectors[own], axis=0, weights=data.weights[own])
            weights[:, label], bias[label] = 2 * mean, -(mean**2).sum()
        return cls(weights, bias)

    def logits(self, vectors: FloatArray) -> FloatArray:
        """Return logits of shape (n, K)."""
        return np.asarray(vectors @ self.weights + self.bias, dtype=np.float64)


@dataclass(frozen=True)
class Pipeline:
    """The trained pipeline, which the exported graph must equal."""

    field: str
    means: Means
    calibration: Calibration

    def predict_proba(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Return calibrated probabilities, shape (n, K)."""
        vectors = np.array([row[self.field] for row in rows], dtype=np.float64)
        calibrated = self.calibration.apply(self.means.logits(vectors))
        return np.asarray(softmax(calibrated, axis=1), dtype=np.float64)


class NearestMean:
    """The recipe."""

    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        """Return the project's vector field, of which there must be one."""
        vectors = [name for name, spec in fields.items() if spec.type == "vector"]
        if len(vectors) != 1:
            raise RecipeRefused("recipe nearest-mean needs one vector field")
        return vectors

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        """Fit on all rows; calibrate on predictions of rows that were left out."""
        (field,) = data.fields
        vectors = np.array([row[field] for row in data.rows], dtype=np.float64)
        keys = content_keys(data.rows, data.fields)
        fold_of = folds_for(data, keys, seed=seed)
        usable = checkable(keys, data.targets)

        def fit_on(rows: IntArray) -> Logits:
            means = Means.of(vectors, data, rows)
            return lambda some: means.logits(vectors[some])

        on_fold = fold_progress(progress, 0.1, 0.8, "nearest-mean")
        evidence = evidence_of(data, cross_fit_rows(data, fold_of, usable, fit_on, on_fold))
        means = Means.of(vectors, data, np.flatnonzero(usable))
        inputs = [
            {"name": field, "field": field, "dtype": "float32", "shape": [-1, vectors.shape[1]]}
        ]
        head = linear_nodes(field, "/logits", means.weights, means.bias)
        tail = calibrated_nodes("/logits", evidence.calibration)
        onnx = serialise(
            "nearest-mean", head[0] + tail[0], head[1] + tail[1], inputs, len(data.classes)
        )
        pipeline = Pipeline(field, means, evidence.calibration)
        check_parity(onnx, inputs, pipeline, data.rows, specs=data.specs, tolerance=1e-4)
        return evidence.model(
            data, onnx=onnx, inputs=inputs, output=OUTPUT, report={"notes": label_notes(keys, data)}
        )


RECIPE: Recipe = NearestMean()
