"""Recipe `text-linear`: weights of words and of parts of words, logistic regression, calibration.

Fast to train and to serve. See Joachims (ECML 1998) for linear models on term weights, Wang and
Manning (ACL 2012) for word pairs, and Cavnar and Trenkle (SDAIR 1994) for characters, which know
a word in its other forms and spellings too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from services.trainer.recipes.calibration import (
    Calibration,
    brier_score,
    choose_calibration,
    expected_calibration_error,
    log_loss,
)
from services.trainer.recipes.crossfit import assign_folds, content_keys, cross_fit
from services.trainer.recipes.features import (
    USUAL,
    HeadSettings,
    TextLinearPipeline,
    fit_head,
    fit_terms,
)
from services.trainer.recipes.graph import OUTPUT, export_onnx, graph_inputs
from services.trainer.recipes.parity import check_parity, nasty_rows
from services.trainer.recipes.recipe import (
    FittedModel,
    FloatArray,
    IntArray,
    Progress,
    Recipe,
    RecipeRefused,
    TrainingData,
)
from shared.fields.text import TextField
from shared.fields.types import AnyField

_PARITY_ROWS = 2_000
# With fewer rows, differences between settings are chance; with more work, they take minutes.
_FEWEST_TUNED, _MOST_WORK = 400, 3_000_000
# Labels so much more frequent than others are also tried with equal weights.
_IMBALANCED = 1.5
_FACTORS = (0.3, 4.0)


def fit_text_linear(
    data: TrainingData,
    *,
    seed: int = 0,
    folds: int = 5,
    progress: Progress = lambda _share, _message: None,
) -> FittedModel:
    """Fit, calibrate on out-of-fold predictions, export to ONNX and check the export.

    Deterministic: the same data and seed give the same bytes on the same library versions.
    Made for 200 to 50,000 rows.

    Parameters
    ----------
    data
        Its order is that of the out-of-fold predictions; its weights weigh fit and metrics.
    seed
        Decides the folds.
    folds : at least 2
        Rows of the same content share one.

    Raises
    ------
    RecipeRefused
        Fewer than two labels with two different items each, fewer than 2·folds different items,
        texts without any term, or a graph that does not answer as the pipeline does.
    """
    keys = content_keys(data.rows, data.fields)
    fold_of = assign_folds(keys, data.targets, folds=folds, seed=seed)
    # More threads would only spin on matrices this small, and would change the last digits.
    with threadpool_limits(limits=1):
        return _fit(data, fold_of, progress)


def _fit(data: TrainingData, fold_of: IntArray, report: Progress) -> FittedModel:
    weights, targets = np.asarray(data.weights, dtype=np.float64), data.targets
    terms, counts = fit_terms(data.rows, data.fields)
    if not any(matrix.nnz for matrix in counts):
        raise RecipeRefused(
            "training needs texts with words or letters that repeat; there are none"
        )
    report(0.1, "words counted")
    tried = _tune(counts, data, fold_of, report)
    settings, chosen = min(tried.items(), key=lambda entry: entry[1].log_loss)
    logits, calibration = chosen.logits, chosen.calibration
    head = fit_head(counts, targets, weights, len(data.classes), settings)
    report(0.9, "model fitted, checking its export")
    pipeline = TextLinearPipeline(data.fields, terms, head, calibration)
    onnx, inputs = export_onnx(pipeline), graph_inputs(data.fields)
    step = -(-len(data.rows) // _PARITY_ROWS)
    check_parity(onnx, inputs, pipeline, data.rows[::step] + nasty_rows(data.fields))
    report(1.0, "export checked")
    calibrated = calibration.apply(logits)
    probabilities = np.asarray(softmax(calibrated, axis=1), dtype=np.float32)
    return FittedModel(
        onnx=onnx,
        inputs=inputs,
        output=OUTPUT,
        calibration=calibration.described() | {"cross_validated_log_loss": chosen.losses},
        scores=probabilities.max(axis=1),
        correct=probabilities.argmax(axis=1) == targets,
        predicted=probabilities.argmax(axis=1).astype(np.int64),
        label_scores=probabilities[np.arange(len(targets)), targets],
        metrics=_metrics(logits, calibrated, targets, weights),
    )


@dataclass(frozen=True)
class _Tried:
    """What cross-fitting with some settings gave: logits (n, K), calibration, losses by method."""

    logits: FloatArray
    calibration: Calibration
    losses: dict[str, float]

    @property
    def log_loss(self) -> float:
        return self.losses[self.calibration.method]


def _tune(
    counts: Sequence[csr_matrix], data: TrainingData, fold_of: IntArray, report: Progress
) -> dict[HeadSettings, _Tried]:
    """Cross-fit with the usual settings, and with others where labels and time suffice.

    Their out-of-fold log loss after calibration tells which are best.
    """
    tried = {USUAL: _try(counts, data, fold_of, USUAL)}
    targets = data.targets
    shares = np.bincount(targets)[np.unique(targets)] / len(targets)
    work = sum(matrix.nnz for matrix in counts) * len(shares)
    report(0.3, "cross-validated")
    if len(targets) < _FEWEST_TUNED or work > _MOST_WORK:
        return tried
    if shares.max() > _IMBALANCED * shares.min():
        balanced = replace(USUAL, class_weights="balanced")
        tried[balanced] = _try(counts, data, fold_of, balanced)
        report(0.5, "cross-validated with balanced labels")
    best = min(tried, key=lambda settings: tried[settings].log_loss)
    for factor in _FACTORS:
        other = replace(best, inverse_regularisation=best.inverse_regularisation * factor)
        tried[other] = _try(counts, data, fold_of, other)
        report(0.7, f"cross-validated with C = {other.inverse_regularisation:g}")
    return tried


def _try(
    counts: Sequence[csr_matrix], data: TrainingData, fold_of: IntArray, settings: HeadSettings
) -> _Tried:
    targets, weights = data.targets, np.asarray(data.weights, dtype=np.float64)
    logits, known = cross_fit(
        counts, targets, weights, fold_of, len(data.classes), settings=settings
    )
    calibration, losses = choose_calibration(
        logits[known], targets[known], weights[known], fold_of[known]
    )
    return _Tried(logits, calibration, losses)


def _metrics(
    logits: FloatArray, calibrated: FloatArray, targets: IntArray, weights: FloatArray
) -> dict[str, float]:
    probabilities = np.asarray(softmax(calibrated, axis=1), dtype=np.float64)
    correct = probabilities.argmax(axis=1) == targets
    return {
        "accuracy": float(np.average(correct, weights=weights)),
        "log_loss": log_loss(calibrated, targets, weights),
        "log_loss_uncalibrated": log_loss(logits, targets, weights),
        "brier": brier_score(probabilities, targets, weights),
        "ece": expected_calibration_error(probabilities.max(axis=1), correct, weights),
    }


class _TextLinear:
    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        texts = [name for name, spec in fields.items() if isinstance(spec, TextField)]
        if not texts:
            raise RecipeRefused("recipe text-linear needs a text field; the project has none")
        return texts

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        return fit_text_linear(data, seed=seed, progress=progress)


RECIPE: Recipe = _TextLinear()
