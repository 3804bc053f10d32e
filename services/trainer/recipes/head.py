"""Recipe `head`: a linear head on vectors that an encoder has made.

The vectors are the project's vector fields: the client computes them, with any encoder of texts,
images or sounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper

from services.trainer.recipes.exporting import input_name, input_of
from services.trainer.recipes.matrices import PARITY_ROWS, fit_on_features, linear_candidates
from services.trainer.recipes.parity import spread
from services.trainer.recipes.recipe import (
    FittedModel,
    FloatArray,
    Progress,
    Recipe,
    RecipeOfTypes,
    RecipeRefused,
    TrainingData,
    silent,
)
from shared.fields.vector import VectorField


@dataclass(frozen=True)
class Vectors:
    """Vectors side by side; `lengths` are those of the vector fields, in this order."""

    lengths: dict[str, int]

    def matrix(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Return the rows' vectors, rounded to float32 as the graph gets them."""
        parts = [np.array([row[field] for row in rows], dtype=np.float64) for field in self.lengths]
        with np.errstate(over="ignore"):
            whole = np.hstack(parts).astype(np.float32)
        if not np.isfinite(whole).all():
            raise RecipeRefused("a vector has a number that is too large for a model in float32")
        return whole.astype(np.float64)

    def inputs(self) -> list[dict[str, Any]]:
        """Return the manifest's inputs, one a field."""
        return [input_of(name, "float32", [-1, size]) for name, size in self.lengths.items()]

    def nodes(self, output: str) -> tuple[list[Any], list[Any]]:
        """Return the graph's node from the inputs to the matrix."""
        names = [input_name(name) for name in self.lengths]
        return [helper.make_node("Concat", names, [output], axis=1)], []


def fit_head_on_vectors(
    data: TrainingData, *, seed: int = 0, progress: Progress = silent
) -> FittedModel:
    """Compare linear heads by cross-validated log loss, fit the best, export and check it.

    Raises
    ------
    RecipeRefused
        Too few labels (`assign_folds`), a number too large for float32, or a graph that does not
        answer as the pipeline does.
    """
    vectors = Vectors({name: len(data.rows[0][name]) for name in data.fields})
    return fit_on_features(
        "head",
        data,
        vectors,
        vectors.matrix(data.rows),
        linear_candidates(0.001, 0.01, 0.1, 1.0),
        checked=spread(data.rows, PARITY_ROWS),
        seed=seed,
        progress=progress,
    )


RECIPE: Recipe = RecipeOfTypes("head", (VectorField,), fit_head_on_vectors)
