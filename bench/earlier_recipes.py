"""Recipes to compare with: the `text-linear` of before, of words and pairs alone."""

import numpy as np
from threadpoolctl import threadpool_limits

from services.trainer.recipes.crossfit import content_keys, folds_for
from services.trainer.recipes.evidence import (
    Logits,
    checkable,
    cross_fit_rows,
    evidence_of,
)
from services.trainer.recipes.exporting import OUTPUT
from services.trainer.recipes.features import TextLinearPipeline, fit_head, fit_terms
from services.trainer.recipes.graph import export_onnx, graph_inputs
from services.trainer.recipes.recipe import (
    FittedModel,
    IntArray,
    Progress,
    Recipe,
    RecipeOfTypes,
    TrainingData,
)
from shared.fields.text import TextField

NAME = "words alone"


def _fit(data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:  # noqa: ARG001 - nothing is slow
    """Fit with the usual settings; nothing is tuned."""
    targets, n_classes, weights = data.targets, len(data.classes), np.asarray(data.weights)
    keys = content_keys(data.rows, data.fields)
    fold_of = folds_for(data, keys, seed=seed)
    terms, counts = fit_terms(data.rows, data.fields, kinds=("words",))

    def fit(at: IntArray) -> Logits:
        head = fit_head([one[at] for one in counts], targets[at], weights[at], n_classes)
        return lambda of: head.logits([one[of] for one in counts])

    with threadpool_limits(limits=1):
        usable = checkable(keys, targets)
        evidence = evidence_of(data, cross_fit_rows(data, fold_of, usable, fit))
        at = np.flatnonzero(usable)
        head = fit_head([one[at] for one in counts], targets[at], weights[at], n_classes)
    pipeline = TextLinearPipeline(data.fields, terms, head, evidence.calibration)
    return evidence.model(
        data,
        onnx=export_onnx(pipeline),
        inputs=graph_inputs(data.fields),
        output=OUTPUT,
        report={},
    )


WORDS_ALONE: Recipe = RecipeOfTypes(NAME, (TextField,), _fit)
"""The `text-linear` of before: words and pairs, one strength of regularisation."""
