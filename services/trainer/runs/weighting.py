"""How much labels from before a change of the traffic count, by what came since it.

Where the traffic has changed, older labels may mislead, or be most of what there is to learn from.
Each weight is judged by the out-of-fold answers to the same new items, weighed by 1 / propensity,
and only these say what the version is to expect: the evidence of older items is left out.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from services.trainer.recipes.recipe import (
    BoolArray,
    FittedModel,
    FloatArray,
    RecipeRefused,
    TrainingData,
)

OLDER = (1.0, 0.0, 0.5, 0.25)
"""Weights that are tried of labels from before the change, in this order; new ones have 1."""
# Fewer new labels cannot tell which weight serves better.
ENOUGH_NEW = 100
_LEAST_PROBABILITY = 1e-7

Fit = Callable[[TrainingData], FittedModel]


@dataclass(frozen=True)
class Weighted:
    """A fitted model, and the places of the rows that its evidence is of."""

    fitted: FittedModel
    at: list[int]


@dataclass(frozen=True)
class _Tried:
    older: float
    log_loss: float
    accuracy: float
    fitted: FittedModel

    def document(self) -> dict[str, float]:
        return {
            "weight": self.older,
            "log_loss": round(self.log_loss, 4),
            "accuracy": round(self.accuracy, 4),
        }


def fit_weighted(
    data: TrainingData,
    is_new: BoolArray,
    fit: Fit,
    *,
    older: float | None = None,
    seconds: float = float("inf"),
    clock: Callable[[], float] = time.process_time,
) -> Weighted:
    """Fit with the weight of older labels that serves the new items best.

    Parameters
    ----------
    is_new : shape (n,)
        Whether each row was labelled since the change; all are alike where none was found.
    older : in [0, 1]
        The weight of older labels, where it is decided already.
    seconds
        After so much processor time no further weight is tried.

    Raises
    ------
    RecipeRefused
        The labels do not suffice.
    """
    everything, new = list(range(len(data.rows))), np.flatnonzero(is_new).tolist()
    if not ENOUGH_NEW <= len(new) < len(everything):
        words = f"{len(new)} labels since the change are too few to tell what older ones are worth"
        notes = [f"{words}: all count alike"] if 0 < len(new) < ENOUGH_NEW else []
        return Weighted(_noted(fit(data), notes, {}), everything)
    tried, more = _compare(data, is_new, fit, older, clock, seconds)
    best = min(tried, key=lambda one: one.log_loss)
    words = f"labels from before the change count {best.older:g} times as much as newer ones"
    how = "as the champion's" if older is not None else f"by cross-validation on {len(new)} items"
    weighting = {
        "older": best.older,
        "new_items": len(new),
        "tried": [one.document() for one in tried],
    }
    return Weighted(_noted(best.fitted, [f"{words}: {how}", *more], weighting), new)


def _compare(
    data: TrainingData,
    is_new: BoolArray,
    fit: Fit,
    older: float | None,
    clock: Callable[[], float],
    seconds: float,
) -> tuple[list[_Tried], list[str]]:
    """Fit with each weight, or with the one that is decided; return what to note beside."""
    began, tried, notes = clock(), list[_Tried](), list[str]()
    for weight in OLDER if older is None else (older,):
        if tried and clock() - began > seconds:
            notes.append("no further weight of older labels was tried: the time was spent")
            break
        try:
            tried.append(_try(data, is_new, fit, weight))
        except RecipeRefused as refused:
            if weight or older is not None:
                raise
            notes.append(f"labels since the change do not suffice alone: {refused}")
    return tried, notes


def _try(data: TrainingData, is_new: BoolArray, fit: Fit, older: float) -> _Tried:
    new = np.flatnonzero(is_new)
    if older > 0:
        weights = np.where(is_new, 1.0, older) * data.weights
        fitted = fit(replace(data, weights=weights)).with_evidence_of(new.tolist())
    else:
        fitted = fit(rows_of(data, new.tolist()))
    weights = data.weights[new]
    accuracy = float(np.average(fitted.correct, weights=weights))
    return _Tried(older, _log_loss(fitted, weights), accuracy, fitted)


def _log_loss(fitted: FittedModel, weights: FloatArray) -> float:
    """Return the log loss of the evidence; of a recipe that tells less, of right or wrong alone."""
    own = fitted.label_scores
    if own is None:
        own = np.where(fitted.correct, fitted.scores, 1 - fitted.scores)
    losses = -np.log(np.maximum(own.astype(np.float64), _LEAST_PROBABILITY))
    return float(np.average(losses, weights=weights))


def rows_of(data: TrainingData, at: list[int]) -> TrainingData:
    """Return the training data of these rows alone."""
    return replace(
        data,
        rows=[data.rows[place] for place in at],
        labels=[data.labels[place] for place in at],
        weights=data.weights[at],
        uniform=None if data.uniform is None else data.uniform[at],
        folds=None if data.folds is None else data.folds[at],
    )


def _noted(fitted: FittedModel, notes: list[str], weighting: dict[str, Any]) -> FittedModel:
    if not notes and not weighting:
        return fitted
    told = {"notes": [*fitted.report.get("notes", []), *notes]}
    return replace(fitted, report=fitted.report | told | {"weighting": weighting})
