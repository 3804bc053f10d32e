"""Recipe `text-linear`: TF-IDF of words and pairs, logistic regression, calibration.

Fast to train, fast to serve, and hard to beat below a few thousand labels. See
Joachims (ECML 1998) for linear models on term weights, Wang and Manning (ACL 2012) for word pairs.
"""

from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.feature_extraction.text import CountVectorizer
from threadpoolctl import threadpool_limits

from services.trainer.recipes.calibration import (
    brier_score,
    choose_calibration,
    expected_calibration_error,
    log_loss,
)
from services.trainer.recipes.crossfit import assign_folds, content_keys, cross_fit
from services.trainer.recipes.features import TextLinearPipeline, fit_head, fit_vocabulary
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
        no text with a word of two letters, or a graph that does not answer as the pipeline does.
    """
    keys = content_keys(data.rows, data.fields)
    fold_of = assign_folds(keys, data.targets, folds=folds, seed=seed)
    # More threads would only spin on matrices this small, and would change the last digits.
    with threadpool_limits(limits=1):
        return _fit(data, fold_of, progress)


def _fit(data: TrainingData, fold_of: IntArray, report: Progress) -> FittedModel:
    weights, targets = np.asarray(data.weights, dtype=np.float64), data.targets
    vocabularies, counts = _count_terms(data)
    folds, n_classes = int(fold_of.max()) + 1, len(data.classes)

    def on_fold(fold: int) -> None:
        report(0.1 + 0.7 * (fold + 1) / folds, f"fold {fold + 1} of {folds} fitted")

    report(0.1, "words counted")
    logits, known = cross_fit(counts, targets, weights, fold_of, n_classes, on_fold)
    calibration, losses = choose_calibration(
        logits[known], targets[known], weights[known], fold_of[known]
    )
    head = fit_head(counts, targets, weights, n_classes)
    report(0.9, "model fitted, checking its export")
    pipeline = TextLinearPipeline(data.fields, vocabularies, head, calibration)
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
        calibration=calibration.described() | {"cross_validated_log_loss": losses},
        scores=probabilities.max(axis=1),
        correct=probabilities.argmax(axis=1) == targets,
        predicted=probabilities.argmax(axis=1).astype(np.int64),
        label_scores=probabilities[np.arange(len(targets)), targets],
        metrics=_metrics(logits, calibrated, targets, weights),
    )


def _count_terms(data: TrainingData) -> tuple[list[CountVectorizer], list[csr_matrix]]:
    columns = [[row[field] for row in data.rows] for field in data.fields]
    vocabularies = [fit_vocabulary(texts) for texts in columns]
    counts = [v.transform(texts) for v, texts in zip(vocabularies, columns, strict=True)]
    if not any(matrix.nnz for matrix in counts):
        raise RecipeRefused(
            "training needs texts with words of two letters or more; there are none"
        )
    return vocabularies, counts


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
