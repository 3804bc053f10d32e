"""A linear head on terms of texts, with settings that are chosen by cross-validation."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.evidence import (
    CalibrationEvidence,
    Logits,
    checkable,
    cross_fit_rows,
    evidence_of,
    label_notes,
)
from services.trainer.recipes.exporting import OUTPUT
from services.trainer.recipes.features import USUAL, HeadSettings, LinearHead, fit_head
from services.trainer.recipes.graph import graph_inputs
from services.trainer.recipes.parity import Reference, check_parity, nasty_rows, spread
from services.trainer.recipes.recipe import (
    BoolArray,
    FittedModel,
    IntArray,
    Progress,
    TrainingData,
)

# Non-zero features times labels: with more, further settings would take minutes.
_CHEAP = 3_000_000
# With fewer rows, differences between settings are chance.
_FEWEST_ROWS = 400
# Labels so much more frequent than others are also tried with equal weights.
_IMBALANCED = 1.5
# Of the strength of regularisation that is usual; further ones make little difference.
_FACTORS = (0.3, 4.0)


def fit_tuned(
    data: TrainingData,
    keys: Sequence[tuple[str, ...]],
    fold_of: IntArray,
    counts: Sequence[csr_matrix],
    export: Callable[[LinearHead, Calibration], tuple[Reference, bytes]],
    report: Progress,
    parity_rows: int,
    vectors: csr_matrix | None = None,
    usual: HeadSettings = USUAL,
) -> FittedModel:
    """Fit the head with the best settings, export it, and check it on `parity_rows` rows.

    Terms have `counts`, (n, V) each; `vectors` are (n, d). `export` returns the pipeline of a head,
    and its graph. `usual` is tried first, and alone where labels are few or the work is much.
    """
    targets, weights = data.targets, np.asarray(data.weights)

    def rows_at(at: IntArray) -> tuple[list[csr_matrix], csr_matrix | None]:
        return [matrix[at] for matrix in counts], None if vectors is None else vectors[at]

    def fit(at: IntArray, settings: HeadSettings) -> LinearHead:
        terms, beside = rows_at(at)
        return fit_head(terms, targets[at], weights[at], len(data.classes), settings, beside)

    def logits_of(at: IntArray, settings: HeadSettings) -> Logits:
        head = fit(at, settings)
        return lambda of: head.logits(*rows_at(of))

    usable = checkable(keys, targets)
    size = sum(matrix.nnz for matrix in counts) + (0 if vectors is None else vectors.nnz)
    settings, evidence, told = _tune(data, fold_of, usable, logits_of, report, size, usual)
    head = fit(np.flatnonzero(usable), settings)
    report(0.9, "model fitted, checking its export")
    pipeline, onnx = export(head, evidence.calibration)
    inputs, checked = graph_inputs(data.fields), spread(data.rows, parity_rows)
    check_parity(onnx, inputs, pipeline, checked + nasty_rows(data.fields))
    report(1.0, "export checked")
    told["notes"] += label_notes(keys, data)
    return evidence.model(data, onnx=onnx, inputs=inputs, output=OUTPUT, report=told)


def _tune(
    data: TrainingData,
    fold_of: IntArray,
    usable: BoolArray,
    fit: Callable[[IntArray, HeadSettings], Logits],
    report: Progress,
    size: int,
    usual: HeadSettings,
) -> tuple[HeadSettings, CalibrationEvidence, dict[str, Any]]:
    """Cross-fit with the `usual` settings, and others if features are few and labels suffice.

    The calibrated log loss of rows that the models had not seen tells which are best. Returns
    these, their evidence, and a report: `settings`, what was tried, and `notes`.
    """
    tried: dict[HeadSettings, CalibrationEvidence] = {}

    def attempt(settings: HeadSettings) -> None:
        found = cross_fit_rows(data, fold_of, usable, lambda at: fit(at, settings))
        tried[settings] = evidence_of(data, found)
        report(0.1 + 0.15 * len(tried), f"cross-validated, {_described(settings)}")

    def best() -> HeadSettings:
        return min(tried, key=lambda settings: _loss(tried[settings]))

    attempt(usual)
    counts = np.bincount(data.targets[usable])
    present = counts[counts > 0]
    is_cheap = size * len(np.unique(data.targets)) <= _CHEAP
    if is_cheap and len(data.rows) >= _FEWEST_ROWS:
        if present.max() > _IMBALANCED * present.min():
            attempt(replace(usual, class_weights="balanced"))
        weighting = best()
        for factor in _FACTORS:
            strength = usual.inverse_regularisation * factor
            attempt(replace(weighting, inverse_regularisation=strength))
    return best(), tried[best()], _told(tried, best())


def _told(tried: dict[HeadSettings, CalibrationEvidence], best: HeadSettings) -> dict[str, Any]:
    rows = [
        {
            "name": _described(settings),
            "log_loss": round(_loss(evidence), 4),
            "accuracy": round(evidence.metrics["accuracy"], 4),
        }
        for settings, evidence in tried.items()
    ]
    note = f"{_described(best)}: the best of {len(tried)} settings by cross-validation"
    return {"settings": rows, "notes": [note] if len(tried) > 1 else []}


def _loss(evidence: CalibrationEvidence) -> float:
    described = evidence.described
    return float(described["cross_validated_log_loss"][described["method"]])


def _described(settings: HeadSettings) -> str:
    weighting = ", labels weighted equally" if settings.class_weights else ""
    return f"C = {settings.inverse_regularisation:g}{weighting}"
