"""What labels prove of each predicted class, and how rarely that is wrong."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from services.trainer.promise.certify import CertificationResult
from services.trainer.promise.classes import class_figures
from services.trainer.promise.planning import CertificationPlan, plan_certification
from services.trainer.promise.proof.messages import ClassFigures, DrawnRow, PopulationRow
from services.trainer.promise.proof.verification import repeat_test

ALPHA, DELTA = 0.1, 0.05
CLASSES = ["a", "b", "c"]
SIZE = 1_000


@cache
def plan_of(labels: int) -> CertificationPlan:
    """A plan for scores spread over [0.5, 1] of a model that errs on 5 %."""
    scores = np.linspace(0.5, 1, SIZE, dtype=np.float32)
    right = np.random.default_rng(0).random(SIZE) > 0.05
    plan = plan_certification(scores, right, scores, alpha=ALPHA, delta=DELTA, labels=labels)
    assert plan is not None
    return plan


@cache
def population_of(shares: tuple[float, ...]) -> list[PopulationRow]:
    rng = np.random.default_rng(1)
    labels = rng.choice(CLASSES[: len(shares)], SIZE, p=shares)
    scores = np.linspace(0.5, 1, SIZE, dtype=np.float32).tolist()
    return [
        PopulationRow(item_id=str(i), score=score, label=str(label), drawable=True)
        for i, (score, label) in enumerate(zip(scores, labels, strict=True))
    ]


def draw(
    population: list[PopulationRow],
    plan: CertificationPlan,
    errors: dict[str, float],
    rng: np.random.Generator,
) -> list[DrawnRow]:
    """Draw the plan's labels; an item of a class is wrong with the class's probability."""
    inside = [row for row in population if row.score >= plan.region]
    chosen = rng.choice(len(inside), plan.labels, replace=False)
    wrong = rng.random(plan.labels)
    return [
        DrawnRow(
            item_id=inside[place].item_id,
            score=inside[place].score,
            label=inside[place].label,
            copy_of=None,
            content_digest=None,
            verdict=None,
            finding="wrong" if wrong[i] < errors[inside[place].label] else "right",
        )
        for i, place in enumerate(chosen)
    ]


def figures(
    errors: dict[str, float], shares: tuple[float, ...], labels: int, seed: int = 0
) -> tuple[CertificationResult, Sequence[ClassFigures]]:
    plan, population = plan_of(labels), population_of(shares)
    drawn = draw(population, plan, errors, np.random.default_rng(seed))
    result = repeat_test(plan, drawn)
    return result, class_figures(plan, result, population, drawn, CLASSES)


def test_a_class_that_errs_more_is_named_beside_a_valid_certificate() -> None:
    result, (a, b, c) = figures({"a": 0.01, "b": 0.3}, (0.85, 0.15), 600)
    assert result.certified
    assert (a.certified, a.labels_short) == (True, None)
    assert a.upper_bound < ALPHA < b.upper_bound
    assert (b.certified, b.labels_short) == (False, None)
    # A class that was never predicted has no figures, and still its share of delta.
    assert (c.labels, c.errors, c.share_answered, c.certified) == (0, 0, None, False)
    assert a.labels + b.labels == result.accepted
    assert a.errors + b.errors == result.errors


def test_a_rare_class_says_how_many_labels_it_would_take() -> None:
    _, (a, b, _) = figures({"a": 0.01, "b": 0.01}, (0.97, 0.03), 500)
    assert a.certified
    assert not b.certified
    assert b.labels_short is not None
    # Without errors 40 labels of it would do: ln(0.04 / 3) / ln(0.9).
    assert 20 < b.labels_short < 80


@pytest.mark.parametrize("deployments", [50, pytest.param(200, marks=pytest.mark.thorough)])
def test_all_classes_keep_the_promise_at_once(deployments: int) -> None:
    """At most delta_attempt of the deployments certify a class that does not keep it."""
    plan = plan_of(500)
    false = 0
    for seed in range(deployments):
        errors = {"a": 0.04, "b": 0.101, "c": 0.101}
        _, found = figures(errors, (0.4, 0.3, 0.3), plan.labels, seed)
        false += any(one.certified for one in found[1:])
    allowed = plan.delta_attempt
    error = np.sqrt(allowed * (1 - allowed) / deployments)
    assert false / deployments <= allowed + 3 * error
