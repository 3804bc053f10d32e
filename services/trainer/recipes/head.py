"""Recipe `head`: a linear head on vectors that an encoder has made.

The vectors are the project's vector fields: the client computes them, with any encoder of texts,
images or sounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper
from scipy.special import softmax

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.exporting import (
    OUTPUT,
    calibrated_nodes,
    input_name,
    join,
    serialise,
)
from services.trainer.recipes.matrices import (
    PARITY_ROWS,
    TOLERANCE,
    Model,
    fit_best,
    linear_candidates,
)
from services.trainer.recipes.parity import check_parity
from services.trainer.recipes.recipe import (
    FittedModel,
    FloatArray,
    Progress,
    Recipe,
    RecipeRefused,
    TrainingData,
    fields_of_type,
)
from shared.fields.types import AnyField
from shared.fields.vector import VectorField

_FEATURES = "/features"


@dataclass(frozen=True)
class HeadPipeline:
    """The trained pipeline, which the exported graph must equal.

    `lengths` are those of the vector fields, in the order in which they stand side by side.
    """

    lengths: dict[str, int]
    model: Model
    calibration: Calibration

    def predict_proba(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Calibrated class probabilities, shape (n, K), in the project's label order."""
        logits = self.calibration.apply(self.model.logits(vectors_of(rows, list(self.lengths))))
        return np.asarray(softmax(logits, axis=1), dtype=np.float64)

    def export(self, n_classes: int) -> tuple[bytes, list[dict[str, Any]]]:
        """Return the graph, and the manifest's inputs."""
        inputs: list[dict[str, Any]] = [
            {"name": input_name(name), "field": name, "dtype": "float32", "shape": [-1, length]}
            for name, length in self.lengths.items()
        ]
        concat = helper.make_node("Concat", [one["name"] for one in inputs], [_FEATURES], axis=1)
        nodes, constants = join(
            ([concat], []),
            self.model.nodes(_FEATURES, "/logits"),
            calibrated_nodes("/logits", self.calibration),
        )
        return serialise("head", nodes, constants, inputs, n_classes), inputs


def vectors_of(rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> FloatArray:
    """Return the rows' vectors side by side, rounded to float32 as the graph gets them."""
    parts = [np.array([row[field] for row in rows], dtype=np.float64) for field in fields]
    with np.errstate(over="ignore"):
        whole = np.hstack(parts).astype(np.float32)
    if not np.isfinite(whole).all():
        raise RecipeRefused("a vector has a number that is too large for a model in float32")
    return whole.astype(np.float64)


def fit_head_on_vectors(
    data: TrainingData,
    *,
    seed: int = 0,
    progress: Progress = lambda _share, _message: None,
) -> FittedModel:
    """Compare linear heads by cross-validated log loss, fit the best, export and check it.

    Raises
    ------
    RecipeRefused
        Too few labels (`assign_folds`), a number too large for float32, or a graph that does not
        answer as the pipeline does.
    """
    matrix = vectors_of(data.rows, data.fields)
    candidates = linear_candidates(0.001, 0.01, 0.1, 1.0)
    best = fit_best(data, matrix, candidates, seed=seed, progress=progress)
    lengths = {name: len(data.rows[0][name]) for name in data.fields}
    pipeline = HeadPipeline(lengths, best.model, best.evidence.calibration)
    onnx, inputs = pipeline.export(len(data.classes))
    step = -(-len(data.rows) // PARITY_ROWS)
    check_parity(onnx, inputs, pipeline, data.rows[::step], specs=data.specs, tolerance=TOLERANCE)
    return best.evidence.model(data, onnx=onnx, inputs=inputs, output=OUTPUT, report=best.report)


class _Head:
    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        return fields_of_type(fields, VectorField, "head")

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        return fit_head_on_vectors(data, seed=seed, progress=progress)


RECIPE: Recipe = _Head()
