"""Recipes on a matrix of features: models compared by cross-validation, one pipeline and graph."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from services.trainer.recipes.boosting import MOST_LABELS, fit_boosting
from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.crossfit import content_keys, folds_for
from services.trainer.recipes.evidence import (
    CalibrationEvidence,
    Logits,
    checkable,
    cross_fit_rows,
    evidence_of,
    fold_progress,
    label_notes,
)
from services.trainer.recipes.exporting import OUTPUT, calibrated_nodes, join, serialise
from services.trainer.recipes.linear import fit_linear
from services.trainer.recipes.parity import check_parity
from services.trainer.recipes.recipe import (
    FittedModel,
    FloatArray,
    IntArray,
    Progress,
    TrainingData,
)

PARITY_ROWS = 2_000
TOLERANCE = 5e-5
"""Of a probability: features pass through float32."""


class Model(Protocol):
    """A fitted model of a matrix of features."""

    def logits(self, features: FloatArray) -> FloatArray:
        """Return the logits of n rows, shape (n, K)."""

    def nodes(self, features: str, logits: str) -> tuple[list[Any], list[Any]]:
        """Return the graph's nodes and constants from the features to the logits."""


class Features(Protocol):
    """How the trainer makes a matrix of rows, and the graph makes the same one."""

    def matrix(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Return the features of n rows, shape (n, d)."""

    def inputs(self) -> list[dict[str, Any]]:
        """Return the manifest's inputs."""

    def nodes(self, output: str) -> tuple[list[Any], list[Any]]:
        """Return the graph's nodes and constants from the inputs to the matrix."""


@dataclass(frozen=True)
class Pipeline:
    """The trained pipeline, which the exported graph must equal."""

    features: Features
    model: Model
    calibration: Calibration

    def predict_proba(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Calibrated class probabilities, shape (n, K), in the project's label order."""
        return self.calibration.probabilities(self.model.logits(self.features.matrix(rows)))

    def export(self, name: str, n_classes: int) -> bytes:
        """Return the graph, which has the name of its recipe."""
        nodes, constants = join(
            self.features.nodes("/features"),
            self.model.nodes("/features", "/logits"),
            calibrated_nodes("/logits", self.calibration),
        )
        return serialise(name, nodes, constants, self.features.inputs(), n_classes)


FitModel = Callable[[FloatArray, IntArray, FloatArray, int], Model]


def linear_candidates(*strengths: float) -> dict[str, FitModel]:
    """Return linear models by a few words about each; the last is fairer to rare labels."""
    middle = strengths[len(strengths) // 2]
    found: dict[str, FitModel] = {
        f"linear, C {strength:g}": partial(fit_linear, strength=strength) for strength in strengths
    }
    rare = f"linear, C {middle:g}, rare labels weighted up"
    return found | {rare: partial(fit_linear, strength=middle, balance=0.5)}


def tree_candidates(data: TrainingData, seed: int) -> dict[str, FitModel]:
    """Return boosted trees by a few words about them; none with too many labels."""
    if len(set(data.labels)) > MOST_LABELS:
        return {}
    trees = partial(fit_boosting, rounds=100, rate=0.08, leaves=12, seed=seed)
    return {"trees, 100 rounds": trees}


@dataclass(frozen=True)
class BestModel:
    """The candidate of the lowest cross-validated log loss, fitted on all rows.

    `report` says which it is, what the others showed, and which labels have too few examples.
    """

    model: Model
    evidence: CalibrationEvidence
    report: dict[str, Any]


def fit_best(
    data: TrainingData,
    matrix: FloatArray,
    candidates: Mapping[str, FitModel],
    *,
    seed: int,
    progress: Progress,
) -> BestModel:
    """Cross-validate each candidate, and fit the best.

    Parameters
    ----------
    matrix : shape (n, d)
        The features of `data.rows`, made without their labels.

    Raises
    ------
    RecipeRefused
        Too few labels (`assign_folds`).
    """
    keys = content_keys(data.rows, data.fields)
    fold_of = folds_for(data, keys, seed=seed)
    usable, n_classes = checkable(keys, data.targets), len(data.classes)
    evidence: dict[str, CalibrationEvidence] = {}
    for i, (name, fit) in enumerate(candidates.items()):
        start, stop = (0.1 + 0.8 * place / len(candidates) for place in (i, i + 1))

        def fit_on(rows: IntArray, fit: FitModel = fit) -> Logits:
            model = fit(matrix[rows], data.targets[rows], data.weights[rows], n_classes)
            return lambda some: model.logits(matrix[some])

        on_fold = fold_progress(progress, start, stop, name)
        evidence[name] = evidence_of(data, cross_fit_rows(data, fold_of, usable, fit_on, on_fold))
    best = min(evidence, key=lambda name: evidence[name].metrics["log_loss"])
    rows = np.flatnonzero(usable)
    model = candidates[best](matrix[rows], data.targets[rows], data.weights[rows], n_classes)
    progress(0.95, f"{best}: fitted, checking its export")
    notes = [f"{best}, of {len(candidates)} models", *label_notes(keys, data)]
    return BestModel(model, evidence[best], {"notes": notes, "models": _compared(evidence)})


def _compared(evidence: Mapping[str, CalibrationEvidence]) -> list[dict[str, Any]]:
    return [
        {"model": name, "log_loss": one.metrics["log_loss"], "accuracy": one.metrics["accuracy"]}
        for name, one in evidence.items()
    ]


def fit_on_features(
    recipe: str,
    data: TrainingData,
    features: Features,
    matrix: FloatArray,
    candidates: Mapping[str, FitModel],
    *,
    checked: Sequence[Mapping[str, Any]],
    seed: int,
    progress: Progress,
) -> FittedModel:
    """Fit the best candidate, export it, and compare the graph with it on the rows `checked`.

    `matrix` is that of `features` for the rows of `data`. Raises `RecipeRefused`: too few labels
    (`assign_folds`), or a graph that does not answer as the pipeline does.
    """
    best = fit_best(data, matrix, candidates, seed=seed, progress=progress)
    pipeline = Pipeline(features, best.model, best.evidence.calibration)
    onnx, inputs = pipeline.export(recipe, len(data.classes)), features.inputs()
    check_parity(onnx, inputs, pipeline, checked, specs=data.specs, tolerance=TOLERANCE)
    return best.evidence.model(data, onnx=onnx, inputs=inputs, output=OUTPUT, report=best.report)
