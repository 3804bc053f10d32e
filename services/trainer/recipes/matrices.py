"""Models of a matrix of features, compared by cross-validation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from services.trainer.recipes.boosting import MOST_LABELS, fit_boosting
from services.trainer.recipes.crossfit import content_keys, folds_for
from services.trainer.recipes.evidence import (
    Evidence,
    Logits,
    checkable,
    cross_fit_rows,
    evidence_of,
    fold_progress,
    label_notes,
)
from services.trainer.recipes.linear import fit_linear
from services.trainer.recipes.recipe import FloatArray, IntArray, Progress, TrainingData

PARITY_ROWS = 2_000
TOLERANCE = 5e-5
"""Of a probability: features pass through float32."""


class Model(Protocol):
    """A fitted model of a matrix of features."""

    def logits(self, features: FloatArray) -> FloatArray:
        """Return the logits of n rows, shape (n, K)."""

    def nodes(self, features: str, logits: str) -> tuple[list[Any], list[Any]]:
        """Return the graph's nodes and constants from the features to the logits."""


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
    evidence: Evidence
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
    evidence: dict[str, Evidence] = {}
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


def _compared(evidence: Mapping[str, Evidence]) -> list[dict[str, Any]]:
    return [
        {"model": name, "log_loss": one.metrics["log_loss"], "accuracy": one.metrics["accuracy"]}
        for name, one in evidence.items()
    ]
