"""Recipe `text-linear`: weights of words and of parts of words, logistic regression, calibration.

Fast to train and to serve. See Joachims (ECML 1998) for linear models on term weights, Wang and
Manning (ACL 2012) for word pairs, and Cavnar and Trenkle (SDAIR 1994) for characters, which know
a word in its other forms and spellings too.
"""

from collections.abc import Mapping

import numpy as np
from threadpoolctl import threadpool_limits

from services.trainer.recipes.crossfit import FOLDS, content_keys, folds_for
from services.trainer.recipes.evidence import Fit, Logits, checkable, label_notes
from services.trainer.recipes.features import (
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
    fields_of_type,
)
from services.trainer.recipes.tuning import CHEAP, tune
from shared.fields.text import TextField
from shared.fields.types import AnyField

_PARITY_ROWS = 2_000


def fit_text_linear(
    data: TrainingData,
    *,
    seed: int = 0,
    folds: int = FOLDS,
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
    fold_of = folds_for(data, keys, folds=folds, seed=seed)
    # More threads would only spin on matrices this small, and would change the last digits.
    with threadpool_limits(limits=1):
        return _fit(data, keys, fold_of, progress)


def _fit(
    data: TrainingData, keys: list[tuple[str, ...]], fold_of: IntArray, report: Progress
) -> FittedModel:
    weights, targets, n_classes = np.asarray(data.weights), data.targets, len(data.classes)
    terms, counts = fit_terms(data.rows, data.fields)
    if not any(matrix.nnz for matrix in counts):
        raise RecipeRefused(
            "training needs texts with words or letters that repeat; there are none"
        )
    report(0.1, "words counted")

    def fit_with(settings: HeadSettings) -> Fit:
        def fit(at: IntArray) -> Logits:
            rows = [matrix[at] for matrix in counts]
            head = fit_head(rows, targets[at], weights[at], n_classes, settings)

            def logits(of: IntArray) -> FloatArray:
                return head.logits([matrix[of] for matrix in counts])

            return logits

        return fit

    usable = checkable(keys, targets)
    work = sum(matrix.nnz for matrix in counts) * len(np.unique(targets))
    settings, evidence, told = tune(data, fold_of, usable, fit_with, report, is_cheap=work <= CHEAP)
    at = np.flatnonzero(usable)
    head = fit_head([m[at] for m in counts], targets[at], weights[at], n_classes, settings)
    report(0.9, "model fitted, checking its export")
    pipeline = TextLinearPipeline(data.fields, terms, head, evidence.calibration)
    onnx, inputs = export_onnx(pipeline), graph_inputs(data.fields)
    step = -(-len(data.rows) // _PARITY_ROWS)
    check_parity(onnx, inputs, pipeline, data.rows[::step] + nasty_rows(data.fields))
    report(1.0, "export checked")
    told["notes"] += label_notes(keys, data)
    return evidence.model(data, onnx=onnx, inputs=inputs, output=OUTPUT, report=told)


class _TextLinear:
    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        return fields_of_type(fields, TextField, "text-linear")

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        return fit_text_linear(data, seed=seed, progress=progress)


RECIPE: Recipe = _TextLinear()
