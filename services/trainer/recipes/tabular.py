"""Recipe `tabular`: numbers and categories; linear or boosted trees, by cross-validation.

Values may be missing, and categories may be ones that no training row has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.columns import Columns
from services.trainer.recipes.exporting import OUTPUT, calibrated_nodes, join, serialise
from services.trainer.recipes.matrices import (
    PARITY_ROWS,
    TOLERANCE,
    Model,
    fit_best,
    linear_candidates,
    tree_candidates,
)
from services.trainer.recipes.parity import check_parity
from services.trainer.recipes.recipe import (
    FittedModel,
    FloatArray,
    Progress,
    Recipe,
    RecipeRefused,
    TrainingData,
)
from shared.fields.category import CategoryField
from shared.fields.number import NumberField
from shared.fields.types import AnyField


@dataclass(frozen=True)
class TabularPipeline:
    """The trained pipeline, which the exported graph must equal."""

    columns: Columns
    model: Model
    calibration: Calibration

    def predict_proba(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Calibrated class probabilities, shape (n, K), in the project's label order."""
        logits = self.calibration.apply(self.model.logits(self.columns.matrix(rows)))
        return np.asarray(softmax(logits, axis=1), dtype=np.float64)

    def export(self, n_classes: int) -> tuple[bytes, list[dict[str, Any]]]:
        """Return the graph, and the manifest's inputs."""
        inputs = self.columns.inputs()
        nodes, constants = join(
            self.columns.nodes("/features"),
            self.model.nodes("/features", "/logits"),
            calibrated_nodes("/logits", self.calibration),
        )
        return serialise("tabular", nodes, constants, inputs, n_classes), inputs


def fit_tabular(
    data: TrainingData,
    *,
    seed: int = 0,
    progress: Progress = lambda _share, _message: None,
) -> FittedModel:
    """Compare the candidates by cross-validated log loss, fit the best, export and check it.

    Raises
    ------
    RecipeRefused
        Too few labels (`assign_folds`), a number too large for float32, or a graph that does not
        answer as the pipeline does.
    """
    columns = Columns.of(data.rows, data.fields, data.specs)
    candidates = linear_candidates(0.03, 0.3, 3.0) | tree_candidates(data, seed)
    matrix = columns.matrix(data.rows)
    best = fit_best(data, matrix, candidates, seed=seed, progress=progress)
    pipeline = TabularPipeline(columns, best.model, best.evidence.calibration)
    onnx, inputs = pipeline.export(len(data.classes))
    step = -(-len(data.rows) // PARITY_ROWS)
    checked = [*data.rows[::step], *_unknown_rows(data)]
    check_parity(onnx, inputs, pipeline, checked, specs=data.specs, tolerance=TOLERANCE)
    return best.evidence.model(data, onnx=onnx, inputs=inputs, output=OUTPUT, report=best.report)


def _unknown_rows(data: TrainingData) -> list[dict[str, Any]]:
    """Return rows in which optional values are missing, and categories are as rare as can be."""
    rows = []
    for name in data.fields:
        spec = data.specs[name]
        if spec.optional:
            rows.append(data.rows[0] | {name: None})
        if isinstance(spec, CategoryField):
            rows += [data.rows[0] | {name: value} for value in (spec.values or [])[:20]]
    return rows


class _Tabular:
    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        found = [n for n, spec in fields.items() if isinstance(spec, NumberField | CategoryField)]
        if not found:
            raise RecipeRefused(
                "recipe tabular needs a number or category field; the project has none"
            )
        return found

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        return fit_tabular(data, seed=seed, progress=progress)


RECIPE: Recipe = _Tabular()
