"""Recipe `tabular`: numbers and categories; linear or boosted trees, by cross-validation.

Values may be missing, and categories may be ones that no training row has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from scipy.special import softmax

from services.trainer.recipes.boosting import MOST_LABELS, fit_boosting
from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.columns import Columns
from services.trainer.recipes.crossfit import assign_folds, content_keys
from services.trainer.recipes.evidence import (
    FOLDS,
    Evidence,
    Logits,
    checkable,
    cross_fit_rows,
    evidence_of,
    fold_progress,
    label_notes,
)
from services.trainer.recipes.exporting import OUTPUT, calibrated_nodes, serialise
from services.trainer.recipes.linear import fit_linear
from services.trainer.recipes.parity import check_parity
from services.trainer.recipes.recipe import (
    BoolArray,
    FittedModel,
    FloatArray,
    IntArray,
    Progress,
    Recipe,
    RecipeRefused,
    TrainingData,
)
from shared.fields.category import CategoryField
from shared.fields.number import NumberField
from shared.fields.types import AnyField

_PARITY_ROWS = 2_000
_TOLERANCE = 5e-5


class Model(Protocol):
    """A fitted model of a matrix of features."""

    def logits(self, features: FloatArray) -> FloatArray:
        """Return the logits of n rows, shape (n, K)."""

    def nodes(self, features: str, logits: str) -> tuple[list[Any], list[Any]]:
        """Return the graph's nodes and constants from the features to the logits."""


FitModel = Callable[[FloatArray, IntArray, FloatArray, int], Model]


def candidates(data: TrainingData, seed: int) -> dict[str, FitModel]:
    """Return the models that are compared, by a few words about each."""
    linear: dict[str, FitModel] = {
        f"linear, C {strength:g}": partial(fit_linear, strength=strength)
        for strength in (0.03, 0.3, 3.0)
    }
    linear["linear, C 0.3, rare labels weighted up"] = partial(
        fit_linear, strength=0.3, balance=0.5
    )
    if len(set(data.labels)) > MOST_LABELS:
        return linear
    return linear | {
        "trees, 100 rounds": partial(fit_boosting, rounds=100, rate=0.08, leaves=12, seed=seed)
    }


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
        parts = [
            self.columns.nodes("/features"),
            self.model.nodes("/features", "/logits"),
            calibrated_nodes("/logits", self.calibration),
        ]
        nodes, constants = ([one for part in parts for one in part[i]] for i in range(2))
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
    keys = content_keys(data.rows, data.fields)
    fold_of = assign_folds(keys, data.targets, folds=FOLDS, seed=seed)
    columns = Columns.of(data.rows, data.fields, data.specs)
    matrix, usable = columns.matrix(data.rows), checkable(keys, data.targets)
    found = candidates(data, seed)
    evidence: dict[str, Evidence] = {}
    for i, (name, fit) in enumerate(found.items()):
        start, stop = (0.05 + 0.85 * j / len(found) for j in (i, i + 1))
        on_fold = fold_progress(progress, start, stop, name)
        evidence[name] = _cross_validate(data, matrix, fold_of, usable, fit, on_fold)
    best = min(evidence, key=lambda name: evidence[name].metrics["log_loss"])
    rows = np.flatnonzero(usable)
    fit_best = found[best]
    model = fit_best(matrix[rows], data.targets[rows], data.weights[rows], len(data.classes))
    progress(0.95, f"{best}: fitted, checking its export")
    pipeline = TabularPipeline(columns, model, evidence[best].calibration)
    onnx, inputs = pipeline.export(len(data.classes))
    step = -(-len(data.rows) // _PARITY_ROWS)
    checked = [*data.rows[::step], *_unknown_rows(data)]
    check_parity(onnx, inputs, pipeline, checked, specs=data.specs, tolerance=_TOLERANCE)
    notes = [f"{best}, of {len(found)} models", *label_notes(keys, data)]
    report: dict[str, Any] = {"notes": notes}
    report["models"] = [
        {"model": name, "log_loss": one.metrics["log_loss"], "accuracy": one.metrics["accuracy"]}
        for name, one in evidence.items()
    ]
    return evidence[best].model(data, onnx=onnx, inputs=inputs, output=OUTPUT, report=report)


def _cross_validate(
    data: TrainingData,
    matrix: FloatArray,
    fold_of: IntArray,
    usable: BoolArray,
    fit: FitModel,
    on_fold: Callable[[int], None],
) -> Evidence:
    targets, n_classes = data.targets, len(data.classes)

    def fit_on(rows: IntArray) -> Logits:
        model = fit(matrix[rows], targets[rows], data.weights[rows], n_classes)
        return lambda some: model.logits(matrix[some])

    return evidence_of(data, cross_fit_rows(data, fold_of, usable, fit_on, on_fold))


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
