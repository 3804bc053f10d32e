"""A training run's process: the recipe fits a model to the rows of a dataset."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.recipes.recipe import Recipe, RecipeRefused, TrainingData
from services.trainer.runs import files
from services.trainer.runs.process import report, run_job


def train(folder: Path, job: files.TrainingJob, rows: list[dict[str, Any]]) -> files.Result:
    """Fit a model, write it into `folder`, and return its description."""
    report(0.0, f"{len(rows)} labels read")
    recipe: Recipe = importlib.import_module(job.module).RECIPE
    try:
        fitted = recipe.fit(_training_data(recipe, job, rows), seed=job.seed, progress=report)
    except RecipeRefused as refused:
        raise files.RunFailed(str(refused)) from refused
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
    )


def _training_data(
    recipe: Recipe, job: files.TrainingJob, rows: list[dict[str, Any]]
) -> TrainingData:
    fields = recipe.learns_from(job.specs)
    if not rows:
        raise RecipeRefused("training needs labels; there are none yet")
    return TrainingData(
        rows=[{field: row["data"][field] for field in fields} for row in rows],
        labels=[row["label"] for row in rows],
        weights=np.array([row["weight"] for row in rows], dtype=np.float64),
        fields=fields,
        classes=job.labels,
    )


if __name__ == "__main__":
    sys.exit(run_job(files.TrainingJob, train))
