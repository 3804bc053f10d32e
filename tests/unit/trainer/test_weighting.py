"""What older labels count, by what came since a change."""

from dataclasses import replace

import numpy as np
import pytest

from services.trainer.recipes.recipe import FittedModel, RecipeRefused, TrainingData
from services.trainer.runs.weighting import ENOUGH_NEW, OLDER, fit_weighted

OLD, NEW = 300, 120


def data_of(old: int = OLD, new: int = NEW) -> TrainingData:
    return TrainingData(
        rows=[{"text": str(at)} for at in range(old + new)],
        labels=["a", "b"] * ((old + new) // 2),
        weights=np.ones(old + new),
        fields=["text"],
        classes=["a", "b"],
        folds=np.arange(old + new) % 5,
    )


def is_new(old: int = OLD, new: int = NEW) -> np.ndarray:
    return np.arange(old + new) >= old


class Recipe:
    """Is surest of the right label where older labels weigh `best`."""

    def __init__(self, best: float) -> None:
        self.best = best
        self.seen: list[float] = []

    def __call__(self, data: TrainingData) -> FittedModel:
        older = float(data.weights.min()) if len(data.rows) > NEW else 0.0
        self.seen.append(older)
        assert data.folds is not None
        assert len(data.folds) == len(data.rows)
        sure = np.full(len(data.rows), 0.9 - abs(older - self.best) / 2, dtype=np.float32)
        return FittedModel(
            onnx=b"",
            inputs=[],
            output="probabilities",
            calibration={},
            scores=sure,
            correct=np.ones(len(sure), dtype=np.bool_),
            metrics={},
            label_scores=sure,
        )


@pytest.mark.parametrize("best", OLDER)
def test_the_weight_that_serves_new_items_best_is_kept(best: float) -> None:
    recipe = Recipe(best)
    found = fit_weighted(data_of(), is_new(), recipe)
    assert recipe.seen == list(OLDER)
    assert found.fitted.report["weighting"]["older"] == best
    assert found.at == list(range(OLD, OLD + NEW))
    assert len(found.fitted.scores) == NEW


def test_a_decided_weight_is_fitted_once() -> None:
    recipe = Recipe(1.0)
    found = fit_weighted(data_of(), is_new(), recipe, older=0.25)
    assert recipe.seen == [0.25]
    assert found.fitted.report["weighting"]["older"] == 0.25


@pytest.mark.parametrize(("old", "new"), [(OLD, 0), (0, NEW), (OLD, ENOUGH_NEW - 2)])
def test_all_count_alike_without_enough_of_both(old: int, new: int) -> None:
    recipe = Recipe(0.0)
    found = fit_weighted(data_of(old, new), is_new(old, new), recipe)
    assert len(recipe.seen) == 1
    assert found.at == list(range(old + new))
    notes = found.fitted.report.get("notes", [])
    assert len(notes) == (1 if 0 < new < ENOUGH_NEW else 0)


def test_time_ends_the_comparison_and_new_labels_alone_may_not_suffice() -> None:
    moments = iter(range(0, 1_000, 10))
    recipe = Recipe(0.0)
    fit_weighted(data_of(), is_new(), recipe, seconds=15, clock=lambda: next(moments))
    assert recipe.seen == [1.0, 0.0]

    def refusing(data: TrainingData) -> FittedModel:
        if len(data.rows) == NEW:
            raise RecipeRefused("too few")
        return Recipe(0.25)(data)

    found = fit_weighted(data_of(), is_new(), refusing)
    assert found.fitted.report["weighting"]["older"] == 0.25
    assert "do not suffice alone: too few" in " ".join(found.fitted.report["notes"])


def test_a_recipe_that_tells_no_label_scores_is_judged_by_right_and_wrong() -> None:
    def older(data: TrainingData) -> FittedModel:
        return replace(Recipe(0.5)(data), label_scores=None)

    found = fit_weighted(data_of(), is_new(), older)
    assert found.fitted.report["weighting"]["older"] == 0.5
