"""A training run's process: the recipe fits a model to the rows of a dataset."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.recipes.encoded_head import HeadOnEncoder
from services.trainer.recipes.installed import load_recipe
from services.trainer.recipes.own_encoder import OwnEncoder
from services.trainer.recipes.recipe import FittedModel, Recipe, RecipeRefused, TrainingData
from services.trainer.runs import files
from services.trainer.runs.comparing import comparison_by
from services.trainer.runs.process import report, run_job
from shared.contracts.versions import ModelInput
from shared.graphs.session import GraphRefused

# Fewer cannot tell which labels serve better.
_ENOUGH_RECENT = 100


def train(folder: Path, job: files.TrainingJob, rows: list[dict[str, Any]]) -> files.Result:
    """Fit a model, write it into `folder`, and return its description."""
    report(0.0, f"{len(rows)} labels read")
    try:
        recipe = _recipe(folder, job)
        fitted = recipe.fit(_training_data(recipe, job, rows), seed=job.seed, progress=report)
    except RecipeRefused as refused:
        raise files.RunFailed(str(refused)) from refused
    rows, fitted = _for_what_came_since(recipe, job, rows, fitted)
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


def _for_what_came_since(
    recipe: Recipe, job: files.TrainingJob, rows: list[dict[str, Any]], fitted: FittedModel
) -> tuple[list[dict[str, Any]], FittedModel]:
    """Choose between all labels and those since the alarm, by what came since the alarm.

    Where the traffic has changed, labels from before may mislead. Both models are judged by their
    out-of-fold answers to the same recent items, and only these say what the version is to expect:
    the evidence of older items is left out.

    Returns
    -------
    The rows of the version's evidence, and the model; all of them where too few are recent.
    """
    wanted = frozenset(job.recent)
    at = [i for i, row in enumerate(rows) if row["item_id"] in wanted]
    if len(at) < _ENOUGH_RECENT or len(at) == len(rows):
        return rows, fitted
    recent = [rows[i] for i in at]
    of_all = fitted.with_evidence_of(at)
    try:
        alone = recipe.fit(_training_data(recipe, job, recent), seed=job.seed, progress=report)
    except RecipeRefused as refused:
        report(1.0, f"labels since the alarm do not suffice alone: {refused}")
        return recent, of_all
    right, right_alone = int(of_all.correct.sum()), int(alone.correct.sum())
    chosen = alone if right_alone > right else of_all
    kept = "these alone" if chosen is alone else "all"
    report(
        1.0,
        f"of {len(at)} items since the alarm, {right} are right when trained on all labels and "
        f"{right_alone} when trained on these alone: kept {kept}",
    )
    return recent, chosen


def _training_data(
    recipe: Recipe, job: files.TrainingJob, rows: list[dict[str, Any]]
) -> TrainingData:
    fields = recipe.learns_from(job.specs)
    if not rows:
        raise RecipeRefused("training needs labels; there are none yet")
    return TrainingData(
        rows=[{field: row["data"].get(field) for field in fields} for row in rows],
        labels=[row["label"] for row in rows],
        weights=np.array([row["weight"] for row in rows], dtype=np.float64),
        fields=fields,
        classes=job.labels,
        specs={field: job.specs[field] for field in fields},
        uniform=np.array([row["uniform"] for row in rows], dtype=np.bool_),
        comparison=comparison_by(job.terms, job.auto_seconds),
    )


if __name__ == "__main__":
    sys.exit(run_job(files.TrainingJob, train))
