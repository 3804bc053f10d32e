"""A training run's process: the recipe fits a model to the rows of a dataset."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.recipes.installed import load_recipe
from services.trainer.recipes.recipe import (
    FittedModel,
    IntArray,
    Recipe,
    RecipeComparison,
    RecipeRefused,
    TrainingData,
)
from services.trainer.runs import files
from services.trainer.runs.comparing import predicted_coverage
from services.trainer.runs.process import report, run_job
from services.trainer.runs.weighting import fit_weighted
from shared.contracts.versions import ModelInput
from shared.graphs.session import GraphRefused

_FITS = 4


def train(folder: Path, job: files.TrainingJob, rows: list[dict[str, Any]]) -> files.Result:
    """Fit a model, write it into `folder`, and return its description."""
    report(0.0, f"{len(rows)} labels read")

    def fit(data: TrainingData) -> FittedModel:
        return recipe.fit(data, seed=job.seed, progress=report)

    is_new = np.array([row.get("is_new") is True for row in rows], dtype=np.bool_)
    try:
        recipe = _recipe(folder, job)
        data = _training_data(recipe, job, rows)
        # Further fits must leave the last one its share of the limit.
        seconds = min(job.auto_seconds, job.cpu_seconds / _FITS)
        found = fit_weighted(data, is_new, fit, older=job.older, seconds=seconds)
    except RecipeRefused as refused:
        raise files.RunFailed(str(refused)) from refused
    rows, fitted = [rows[place] for place in found.at], found.fitted
    for note in fitted.report.get("notes", []):
        report(1.0, note)
    (folder / files.MODEL).write_bytes(fitted.onnx)
    return files.Result(
        inputs=fitted.inputs,
        output=fitted.output,
        calibration=fitted.calibration,
        metrics=fitted.metrics,
        item_ids=[row["item_id"] for row in rows],
        scores=[float(score) for score in fitted.scores],
        correct=[bool(right) for right in fitted.correct],
        uniform=[row["uniform"] for row in rows],
        report=fitted.report,
        **held_out(fitted, [row["label"] for row in rows], job.labels),
    )


def _recipe(folder: Path, job: files.TrainingJob) -> Recipe:
    """Return the recipe, on the project's own encoder if the job has one."""
    if job.encoder is None:
        return load_recipe(job.recipe)
    # Most runs have no encoder, and need not wait for the imports.
    from services.trainer.recipes.encoded_head import HeadOnEncoder  # noqa: PLC0415
    from services.trainer.recipes.own_encoder import OwnEncoder  # noqa: PLC0415

    stored = job.encoder
    inputs = [ModelInput.model_validate(entry) for entry in stored["inputs"]]
    output, graph = stored["outputs"]["vector"], (folder / files.ENCODER).read_bytes()
    try:
        return HeadOnEncoder(OwnEncoder.open(graph, inputs, output, job.specs), stored["sha256"])
    except GraphRefused as refused:
        raise RecipeRefused(f"the project's encoder: {refused}") from refused


def held_out(fitted: FittedModel, given: list[str], labels: list[str]) -> dict[str, Any]:
    """Return what `Result` says of each given label, if the recipe tells it."""
    if fitted.predicted is None or fitted.label_scores is None:
        return {}
    return {
        "labels": given,
        "predicted": [labels[place] for place in fitted.predicted.tolist()],
        "label_scores": fitted.label_scores.tolist(),
    }


def _training_data(
    recipe: Recipe, job: files.TrainingJob, rows: list[dict[str, Any]]
) -> TrainingData:
    fields = recipe.learns_from(job.specs)
    return TrainingData(
        rows=[{field: row["data"].get(field) for field in fields} for row in rows],
        labels=[row["label"] for row in rows],
        weights=np.array([row["weight"] for row in rows], dtype=np.float64),
        fields=fields,
        classes=job.labels,
        specs={field: job.specs[field] for field in fields},
        uniform=np.array([row["uniform"] for row in rows], dtype=np.bool_),
        folds=_folds(rows),
        comparison=RecipeComparison(partial(predicted_coverage, terms=job.terms), job.auto_seconds),
    )


def _folds(rows: list[dict[str, Any]]) -> IntArray | None:
    """Return the snapshot's folds; None for one of the release before, or of too few labels."""
    folds = [row.get("fold") for row in rows]
    return None if None in folds else np.array(folds, dtype=np.int64)


if __name__ == "__main__":
    sys.exit(run_job(files.TrainingJob, train))
