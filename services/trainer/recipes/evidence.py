"""Out-of-fold evidence of any recipe: cross-fitting, calibration, figures, and what to note.

A recipe gives a `Fit`: it fits a model on some rows and returns its logits for any rows. All that
a version says of itself comes from models that had not seen the row. For n rows and K labels,
logits have shape (n, K).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from services.trainer.recipes.calibration import (
    Calibration,
    brier_score,
    choose_calibration,
    expected_calibration_error,
    log_loss,
)
from services.trainer.recipes.crossfit import FOLDS
from services.trainer.recipes.recipe import (
    BoolArray,
    FittedModel,
    FloatArray,
    IntArray,
    Progress,
    TrainingData,
)

# Fewer different examples cannot be held out and learned from at the same time.
_LEAST_EXAMPLES = 2
_LABELS_NAMED = 20

Logits = Callable[[IntArray], FloatArray]
"""Logits of the rows at the given places, shape (m, K)."""
Fit = Callable[[IntArray], Logits]
"""Fit on the rows at the given places, which have at least two labels."""


@dataclass(frozen=True)
class OutOfFoldLogits:
    """What models said of rows that they had not seen.

    Attributes
    ----------
    logits : shape (n, K)
    known : shape (n,)
        Whether the row's label was among those that its model learned; where it was not, no
        calibration can make the row likely.
    fold_of : shape (n,)
    """

    logits: FloatArray
    known: BoolArray
    fold_of: IntArray


def checkable(keys: Sequence[tuple[str, ...]], targets: IntArray) -> BoolArray:
    """Whether each row's label has two different examples, shape (n,).

    A label with a single one is left out of the model: nothing could say how often it is right.

    Parameters
    ----------
    keys : n keys of the rows' contents (`crossfit.content_keys`)
    targets : shape (n,)
    """
    contents = Counter(target for target, _ in set(zip(targets.tolist(), keys, strict=True)))
    return np.array([contents[one] >= _LEAST_EXAMPLES for one in targets.tolist()], dtype=np.bool_)


def label_notes(keys: Sequence[tuple[str, ...]], data: TrainingData) -> list[str]:
    """Say which labels have too few examples, and what this means for them."""
    pairs = set(zip(data.labels, keys, strict=True))
    contents = Counter(label for label, _ in pairs)
    none = [label for label in data.classes if contents[label] == 0]
    single = [label for label in data.classes if 0 < contents[label] < _LEAST_EXAMPLES]
    few = [label for label in data.classes if _LEAST_EXAMPLES <= contents[label] < FOLDS]
    notes = []
    if none:
        notes.append(f"no example of {_listed(none)}: never predicted, so never answered")
    if single:
        notes.append(
            f"a single example of {_listed(single)}: nothing can check a model of it, so it is "
            "never predicted, and never answered"
        )
    if few:
        notes.append(
            f"fewer examples than the {FOLDS} folds of {_listed(few)}: predicted from few examples"
        )
    return notes


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:_LABELS_NAMED])
    rest = len(labels) - _LABELS_NAMED
    return shown if rest <= 0 else f"{shown} and {rest} more labels"


def cross_fit_rows(
    data: TrainingData,
    fold_of: IntArray,
    usable: BoolArray,
    fit: Fit,
    on_fold: Callable[[int], None] = lambda _fold: None,
) -> OutOfFoldLogits:
    """Predict each row by a model of the other folds.

    Parameters
    ----------
    usable : shape (n,)
        Whether a row may be learned from (`checkable`); all rows are predicted.
    on_fold
        Called with each fold once it is done.
    """
    targets = data.targets
    logits = np.zeros((len(targets), len(data.classes)))
    known = np.zeros(len(targets), dtype=np.bool_)
    for fold in range(int(fold_of.max()) + 1):
        held_out = np.flatnonzero(fold_of == fold)
        rest = np.flatnonzero((fold_of != fold) & usable)
        logits[held_out] = fit(rest)(held_out)
        known[held_out] = np.isin(targets[held_out], targets[rest])
        on_fold(fold)
    return OutOfFoldLogits(logits, known, fold_of)


@dataclass(frozen=True)
class CalibrationEvidence:
    """The calibration, and what cross-fitting says of the calibrated model.

    Attributes
    ----------
    calibration
    described : what the manifest says of it
    probabilities : shape (n, K), float32
    metrics : as in `FittedModel`
    """

    calibration: Calibration
    described: dict[str, Any]
    probabilities: np.ndarray[Any, np.dtype[np.float32]]
    metrics: dict[str, float]

    def model(
        self,
        data: TrainingData,
        *,
        onnx: bytes,
        inputs: list[dict[str, Any]],
        output: str,
        report: dict[str, Any],
    ) -> FittedModel:
        """Return the fitted model of `data` with this evidence."""
        targets, predicted = data.targets, self.probabilities.argmax(axis=1)
        return FittedModel(
            onnx=onnx,
            inputs=inputs,
            output=output,
            calibration=self.described,
            scores=self.probabilities.max(axis=1),
            correct=predicted == targets,
            predicted=predicted.astype(np.int64),
            label_scores=self.probabilities[np.arange(len(targets)), targets],
            metrics=self.metrics,
            report=report,
        )


def evidence_of(data: TrainingData, found: OutOfFoldLogits) -> CalibrationEvidence:
    """Calibrate out-of-fold logits, and take the figures of the calibrated ones."""
    weights, targets, known = np.asarray(data.weights, dtype=np.float64), data.targets, found.known
    calibration, losses = choose_calibration(
        found.logits[known], targets[known], weights[known], found.fold_of[known]
    )
    calibrated = calibration.apply(found.logits)
    probabilities: FloatArray = softmax(calibrated, axis=1)
    correct = probabilities.argmax(axis=1) == targets
    metrics = {
        "accuracy": float(np.average(correct, weights=weights)),
        "log_loss": log_loss(calibrated, targets, weights),
        "log_loss_uncalibrated": log_loss(found.logits, targets, weights),
        "brier": brier_score(probabilities, targets, weights),
        "ece": expected_calibration_error(probabilities.max(axis=1), correct, weights),
    }
    described = calibration.described() | {"cross_validated_log_loss": losses}
    return CalibrationEvidence(calibration, described, probabilities.astype(np.float32), metrics)


def fold_progress(report: Progress, start: float, stop: float, what: str) -> Callable[[int], None]:
    """Return what reports each fold, its share of the work between `start` and `stop`."""

    def on_fold(fold: int) -> None:
        share = start + (stop - start) * (fold + 1) / FOLDS
        report(share, f"{what}: fold {fold + 1} of {FOLDS} fitted")

    return on_fold
