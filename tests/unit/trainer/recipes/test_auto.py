"""Recipe auto: coverage decides, then accuracy; within the time; and it says why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest

from services.trainer.recipes import auto
from services.trainer.recipes.auto import RecipeTrial, choose, fit_auto, resampled
from services.trainer.recipes.recipe import (
    FittedModel,
    Progress,
    Recipe,
    RecipeComparison,
    RecipeRefused,
    TrainingData,
)
from services.trainer.runs.comparing import predicted_coverage
from shared.fields.category import CategoryField
from shared.fields.image import ImageField
from shared.fields.number import NumberField
from shared.fields.text import TextField
from shared.fields.types import AnyField

TERMS = {"alpha": 0.1, "delta": 0.05, "labels": 300, "draws": 3}


@dataclass
class Scripted:
    """A recipe that is right on its surest rows: `right` of all, with `sure` of them at 0.99."""

    right: float
    sure: float
    seconds: float = 1.0
    clock: list[float] = field(default_factory=lambda: [0.0])

    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        return list(fields)

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        n = len(data.rows)
        for fold in range(5):
            self.clock[0] += self.seconds / 5
            progress((fold + 1) / 5, "a fold")
        correct = np.arange(n) < self.right * n
        scores = np.where(np.arange(n) < self.sure * n, 0.99, 0.5).astype(np.float32)
        metrics = {"accuracy": float(correct.mean())}
        return FittedModel(b"x", [], "probabilities", {}, scores, correct, metrics)


class Refusing:
    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        raise RecipeRefused("too few")

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        raise NotImplementedError


def data(seconds: float = 100.0) -> TrainingData:
    n = 600
    specs = {"size": NumberField()}
    labels = [("a", "b")[i % 2] for i in range(n)]
    return TrainingData(
        [{"size": float(i)} for i in range(n)], labels, np.ones(n), ["size"], ["a", "b"], specs,
        comparison=RecipeComparison(partial(predicted_coverage, terms=TERMS), seconds),
    )  # fmt: skip


def fit(recipes: dict[str, Recipe], given: TrainingData, clock: list[float]) -> dict[str, Any]:
    return fit_auto(given, recipes, clock=lambda: clock[0]).report


def test_the_larger_certified_share_wins_over_more_accuracy() -> None:
    clock = [0.0]
    recipes: dict[str, Recipe] = {
        "accurate": Scripted(right=0.86, sure=0.0, clock=clock),
        "sure": Scripted(right=0.8, sure=0.75, clock=clock),
    }
    report = fit(recipes, data(), clock)
    assert report["chosen"] == "sure"
    shares = {one["recipe"]: one["coverage"] for one in report["candidates"]}
    assert shares["accurate"] == 0
    assert 0.6 < shares["sure"] <= 0.75
    assert report["reasons"][0].startswith("sure: a certificate is predicted to answer 7")
    assert all("fitted" not in one for one in report["candidates"])


def test_accuracy_decides_where_nothing_would_be_certified() -> None:
    clock = [0.0]
    recipes: dict[str, Recipe] = {
        "worse": Scripted(right=0.5, sure=0.0, clock=clock),
        "better": Scripted(right=0.6, sure=0.0, clock=clock),
        "refusing": Refusing(),
    }
    report = fit(recipes, data(), clock)
    assert report["chosen"] == "better"
    assert report["candidates"][2]["detail"] == "too few"
    assert "none is predicted to be certified yet" in report["reasons"][0]


def test_no_recipe_begins_after_the_time_and_one_under_way_is_stopped() -> None:
    clock = [0.0]
    recipes: dict[str, Recipe] = {
        # However long: something has to be fitted.
        "first": Scripted(right=0.6, sure=0.0, seconds=8.0, clock=clock),
        "second": Scripted(right=0.9, sure=0.0, seconds=20.0, clock=clock),
        "third": Scripted(right=0.9, sure=0.0, clock=clock),
    }
    report = fit(recipes, data(seconds=10.0), clock)
    assert report["chosen"] == "first"
    states = {one["recipe"]: (one["state"], one["detail"]) for one in report["candidates"]}
    assert states == {
        "first": ("fitted", None),
        "second": ("out_of_time", "it was stopped when the time was spent"),
        "third": ("out_of_time", "the time was spent before"),
    }
    assert clock[0] == 12.0


def test_without_a_recipe_that_can_train_each_says_why() -> None:
    with pytest.raises(RecipeRefused, match="one: too few; other: too few"):
        fit_auto(data(), {"one": Refusing(), "other": Refusing()})


def test_accuracy_decides_among_shares_whose_order_other_labels_would_often_change() -> None:
    rng = np.random.default_rng()
    shares = rng.normal(0.7, 0.02, auto.RESAMPLES)
    changed = rng.permuted(np.repeat([0.01, -0.01], auto.RESAMPLES // 2))
    largest = RecipeTrial("largest", "fitted", 1.0, 0.7, shares, accuracy=0.8)
    near = RecipeTrial("near", "fitted", 1.0, 0.69, shares + changed, accuracy=0.9)
    far = RecipeTrial("far", "fitted", 1.0, 0.6, shares - 0.1, accuracy=0.95)
    assert choose([largest, near, far]) is near
    assert choose([largest, far]) is largest


def test_the_same_rows_are_drawn_for_every_recipe() -> None:
    rng = np.random.default_rng()
    scores = rng.random(60).astype(np.float32)

    def mean_score(drawn: Any, _correct: Any) -> float:
        return float(drawn.mean())

    def share_right(_drawn: Any, correct: Any) -> float:
        return float(correct.mean())

    first = resampled(mean_score, scores, scores > 0.5)
    assert first.shape == (auto.RESAMPLES,)
    assert np.ptp(first) > 0
    assert (first == resampled(mean_score, scores, scores > 2)).all()
    assert (resampled(share_right, scores, scores >= 0) == 1).all()


def test_uniformly_drawn_rows_alone_are_judged_where_there_are_enough() -> None:
    given = data()
    seen: list[int] = []

    def coverage(scores: Any, correct: Any) -> float:
        seen.append(len(scores))
        return 0.0

    for count in (150, 250):
        uniform = np.arange(600) < count
        clock = [0.0]
        changed = TrainingData(
            given.rows, given.labels, given.weights, given.fields, given.classes, given.specs,
            uniform, RecipeComparison(coverage, 10.0),
        )  # fmt: skip
        fit({"one": Scripted(right=0.9, sure=0.5, clock=clock)}, changed, clock)
    assert seen == [600] * (1 + auto.RESAMPLES) + [250] * (1 + auto.RESAMPLES)


def test_predicted_coverage_of_a_coin_and_of_a_model_that_is_always_right() -> None:
    scores = np.linspace(0.5, 1, 500, dtype=np.float32)
    coin = np.random.default_rng(0).random(500) < 0.5
    assert predicted_coverage(scores, coin, TERMS) < 0.05
    assert predicted_coverage(scores, np.ones(500, dtype=np.bool_), TERMS) > 0.9


def test_it_learns_from_whatever_some_recipe_learns_from() -> None:
    fields: dict[str, AnyField] = {"text": TextField(), "colour": CategoryField(values=["red"])}
    assert auto.RECIPE.learns_from(fields) == ["text", "colour"]
    names = list(auto.fitting(fields | {"photo": ImageField()}))
    assert names[:2] == ["tabular", "text-linear"]
    assert "image-small" in names
    assert "auto" not in names
