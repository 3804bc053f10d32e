"""The settings of a linear head, chosen by cross-validation."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from services.trainer.recipes.evidence import Evidence, Fit, cross_fit_rows, evidence_of
from services.trainer.recipes.features import USUAL, HeadSettings
from services.trainer.recipes.recipe import BoolArray, IntArray, Progress, TrainingData

# Non-zero features times labels: with more, further settings would take minutes.
CHEAP = 3_000_000
# With fewer rows, differences between settings are chance.
_FEWEST_ROWS = 400
# Labels so much more frequent than others are also tried with equal weights.
_IMBALANCED = 1.5
# Of the strength of regularisation that is usual; further ones make little difference.
_FACTORS = (0.3, 4.0)


def tune(
    data: TrainingData,
    fold_of: IntArray,
    usable: BoolArray,
    fit: Callable[[HeadSettings], Fit],
    report: Progress,
    *,
    is_cheap: bool,
    usual: HeadSettings = USUAL,
) -> tuple[HeadSettings, Evidence, dict[str, Any]]:
    """Cross-fit with the `usual` settings, and with others if that `is_cheap` and labels suffice.

    The calibrated log loss of rows that the models had not seen tells which are best.

    Returns
    -------
    The best settings, their evidence, and a report: `settings`, what was tried, and `notes`.
    """
    tried: dict[HeadSettings, Evidence] = {}

    def attempt(settings: HeadSettings) -> None:
        tried[settings] = evidence_of(data, cross_fit_rows(data, fold_of, usable, fit(settings)))
        report(0.1 + 0.15 * len(tried), f"cross-validated, {_described(settings)}")

    def best() -> HeadSettings:
        return min(tried, key=lambda settings: _loss(tried[settings]))

    attempt(usual)
    counts = np.bincount(data.targets[usable])
    present = counts[counts > 0]
    if is_cheap and len(data.rows) >= _FEWEST_ROWS:
        if present.max() > _IMBALANCED * present.min():
            attempt(replace(usual, class_weights="balanced"))
        weighting = best()
        for factor in _FACTORS:
            strength = usual.inverse_regularisation * factor
            attempt(replace(weighting, inverse_regularisation=strength))
    return best(), tried[best()], _told(tried, best())


def _told(tried: dict[HeadSettings, Evidence], best: HeadSettings) -> dict[str, Any]:
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


def _loss(evidence: Evidence) -> float:
    described = evidence.described
    return float(described["cross_validated_log_loss"][described["method"]])


def _described(settings: HeadSettings) -> str:
    weighting = ", labels weighted equally" if settings.class_weights else ""
    return f"C = {settings.inverse_regularisation:g}{weighting}"
