"""Recipe `auto`: fit each recipe that fits the project's fields, and keep the best.

The best is the one whose certificate is predicted to answer the largest share of the traffic, given
the project's promise: people need not review that share. Where the labels cannot tell shares apart,
or none would be certified yet, accuracy decides. Both are of out-of-fold predictions.

Recipes are tried in the order of their cost. None begins after the time budget, and one that runs
past it is stopped at its next sign of progress, unless nothing was fitted before it.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from services.trainer.recipes.installed import installed_recipes, load_recipe
from services.trainer.recipes.parity import open_graph
from services.trainer.recipes.recipe import (
    BoolArray,
    FittedModel,
    Float32Array,
    FloatArray,
    Progress,
    Recipe,
    RecipeRefused,
    TrainingData,
    silent,
)
from shared.fields.types import AnyField

NAME = "auto"
RESAMPLES = 100
"""So many samples of the rows, drawn with replacement, say how certain an order of shares is."""
OFTEN = 0.2
"""A smaller share that is level or ahead in this part of the samples counts as the same."""
_ENOUGH_UNIFORM = 200
_TIMED = 64
# Cheapest first; recipes of packages come after those built in.
_ORDER = ("tabular", "text-linear", "head", "image-small", "text-embedding")


class OutOfTime(Exception):  # noqa: N818 - says what happened
    """The time budget is spent."""


@dataclass(frozen=True)
class RecipeTrial:
    """The result of trying one recipe.

    `coverage` is the share of the traffic, in [0, 1], that a certificate is predicted to answer,
    `resampled` the same of each sample of the rows, shape (RESAMPLES,);
    `micros_per_item` is what the graph takes for one of a few dozen items, on this machine.
    """

    recipe: str
    state: str
    seconds: float
    coverage: float | None = None
    resampled: FloatArray | None = None
    accuracy: float | None = None
    log_loss: float | None = None
    model_bytes: int | None = None
    micros_per_item: float | None = None
    detail: str | None = None
    fitted: FittedModel | None = None

    def document(self) -> dict[str, Any]:
        """Return what the report says of it."""
        told = {k: v for k, v in vars(self).items() if k not in ("fitted", "resampled")}
        return told | {"seconds": round(self.seconds, 1)}


def fit_auto(
    data: TrainingData,
    recipes: Mapping[str, Recipe],
    *,
    seed: int = 0,
    progress: Progress = silent,
    clock: Callable[[], float] = time.monotonic,
) -> FittedModel:
    """Fit each recipe, and return the best model with a report on all.

    Parameters
    ----------
    data
        `fields` and `specs` are all of the project's; `comparison` is needed.
    recipes
        By name, in the order in which they are tried.

    Raises
    ------
    RecipeRefused
        No recipe could be fitted; the reasons of each.
    """
    comparison = data.comparison
    if comparison is None:
        raise ValueError("auto needs to know how recipes are compared")
    ends_at, tried = clock() + comparison.seconds, list[RecipeTrial]()
    for i, (name, recipe) in enumerate(recipes.items()):
        # Until something is fitted, there is no limit but the run's own.
        end = ends_at if any(one.fitted for one in tried) else math.inf

        def report(share: float, message: str, i: int = i, end: float = end) -> None:
            if clock() > end:
                raise OutOfTime
            progress((i + min(share, 1.0)) / len(recipes), message)

        if clock() > end:
            tried.append(RecipeTrial(name, "out_of_time", 0.0, detail="the time was spent before"))
        else:
            tried.append(_tried(name, recipe, data, seed, report, clock))
    return _best(tried)


def choose(fitted: Sequence[RecipeTrial]) -> RecipeTrial:
    """Return the candidate of the largest share, or the most accurate of those near it."""
    return max(near_largest(fitted), key=lambda one: one.accuracy or 0.0)


def near_largest(fitted: Sequence[RecipeTrial]) -> list[RecipeTrial]:
    """Return the candidate of the largest share, and those whose shares count as the same."""
    largest = max(fitted, key=lambda one: one.coverage or 0.0)
    return [one for one in fitted if one is largest or _is_near(one, largest)]


def _is_near(candidate: RecipeTrial, largest: RecipeTrial) -> bool:
    if candidate.resampled is None or largest.resampled is None:
        return candidate.coverage == largest.coverage
    return bool((candidate.resampled >= largest.resampled).mean() >= OFTEN)


def resampled(
    coverage: Callable[[Float32Array, BoolArray], float], scores: Float32Array, correct: BoolArray
) -> FloatArray:
    """Return the predicted share of each sample of the rows (the bootstrap), shape (RESAMPLES,).

    Parameters
    ----------
    coverage : of `RecipeComparison`
    scores, correct : shape (m,)
        Out-of-fold confidences, and whether each answer was right.
    """
    # The same rows for every recipe: what is compared is which recipe is ahead on the same labels.
    draws = np.random.default_rng(0).integers(len(scores), size=(RESAMPLES, len(scores)))
    return np.array([coverage(scores[rows], correct[rows]) for rows in draws])


def _tried(
    name: str,
    recipe: Recipe,
    data: TrainingData,
    seed: int,
    report: Progress,
    clock: Callable[[], float],
) -> RecipeTrial:
    began = clock()
    try:
        fields = recipe.learns_from(data.specs)
        own = replace(
            data,
            rows=[{field: row.get(field) for field in fields} for row in data.rows],
            fields=fields,
            specs={field: data.specs[field] for field in fields},
            comparison=None,
        )
        fitted = recipe.fit(own, seed=seed, progress=report)
    except RecipeRefused as refused:
        return RecipeTrial(name, "refused", clock() - began, detail=str(refused))
    except OutOfTime:
        detail = "it was stopped when the time was spent"
        return RecipeTrial(name, "out_of_time", clock() - began, detail=detail)
    assert data.comparison is not None
    rows = _judged_by(data)
    scores, correct = fitted.scores[rows], fitted.correct[rows]
    return RecipeTrial(
        name,
        "fitted",
        clock() - began,
        coverage=data.comparison.coverage(scores, correct),
        resampled=resampled(data.comparison.coverage, scores, correct),
        accuracy=fitted.metrics.get("accuracy", float(fitted.correct.mean())),
        log_loss=fitted.metrics.get("log_loss"),
        model_bytes=len(fitted.onnx),
        micros_per_item=_micros_per_item(fitted, own, clock),
        fitted=fitted,
    )


def _micros_per_item(
    fitted: FittedModel, data: TrainingData, clock: Callable[[], float]
) -> float | None:
    """Time the graph as routers run it; None for one that does not load, which parity refuses."""
    try:
        graph = open_graph(fitted.onnx, fitted.inputs, len(data.classes), data.specs, fitted.output)
    except RecipeRefused:
        return None
    rows = data.rows[:_TIMED]
    graph.run(rows)
    began = clock()
    graph.run(rows)
    return round(1e6 * (clock() - began) / len(rows), 1)


def _judged_by(data: TrainingData) -> BoolArray:
    """Return the rows that stand for traffic: those drawn uniformly, where there are enough."""
    uniform = data.uniform
    if uniform is None or uniform.sum() < _ENOUGH_UNIFORM:
        return np.ones(len(data.rows), dtype=np.bool_)
    return uniform


def _best(tried: Sequence[RecipeTrial]) -> FittedModel:
    fitted = [one for one in tried if one.fitted is not None]
    if not fitted:
        reasons = "; ".join(f"{one.recipe}: {one.detail}" for one in tried)
        raise RecipeRefused(f"no recipe can train on these labels. {reasons}")
    best = choose(fitted)
    assert best.fitted is not None
    others = [one for one in tried if one.fitted is not None and one is not best]
    return replace(
        best.fitted,
        report=best.fitted.report
        | {
            "chosen": best.recipe,
            "reasons": [_reason(best, others)],
            "candidates": [one.document() for one in tried],
        },
    )


def _reason(best: RecipeTrial, others: Sequence[RecipeTrial]) -> str:
    share, accuracy = f"{100 * (best.coverage or 0):.1f} %", f"{100 * (best.accuracy or 0):.1f} %"
    if not others:
        return f"{best.recipe}: no other recipe could be fitted"
    highest = max(one.coverage or 0.0 for one in others)
    if near_largest([best, *others]) == [best]:
        return (
            f"{best.recipe}: a certificate is predicted to answer {share} of the traffic, "
            f"and {100 * highest:.1f} % with the next best recipe"
        )
    if max(best.coverage or 0.0, highest) <= 0:
        return (
            f"{best.recipe}: none is predicted to be certified yet; it is right most ({accuracy})"
        )
    return (
        f"{best.recipe}: its predicted share ({share}) is among the largest, too close together to "
        f"tell apart, and it is right most often among those ({accuracy})"
    )


class _Auto:
    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        if not fitting(fields):
            raise RecipeRefused("no recipe learns from any of the project's fields")
        return list(fields)

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        return fit_auto(data, fitting(data.specs), seed=seed, progress=progress)


def fitting(fields: Mapping[str, AnyField]) -> dict[str, Recipe]:
    """Return the installed recipes that learn from some of the fields, cheapest first."""
    names = [name for name in installed_recipes() if name != NAME]
    names.sort(key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    found = {}
    for name in names:
        recipe = load_recipe(installed_recipes()[name])
        try:
            recipe.learns_from(fields)
        except RecipeRefused:
            continue
        found[name] = recipe
    return found


RECIPE: Recipe = _Auto()
