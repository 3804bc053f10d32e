"""What a certification is planned on, for versions from here and from elsewhere."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.promise.planning import plan_certification
from services.trainer.promise.tuning import recalibrated, self_reported_scores, tune_of
from services.trainer.tables import Version
from shared.contracts.base import utc_now

SCORES = [0.5, 0.9, 0.99]


def version(labels: int, recipe: str, *, uniform: int = 0) -> Version:
    tune: dict[str, Any] = {
        "item_ids": [str(i) for i in range(labels)],
        "scores": [0.8] * labels,
        "correct": [i % 2 == 0 for i in range(labels)],
        "uniform": [i < uniform for i in range(labels)],
    }
    return Version(
        project="p", version="v1", number=1, run_id="r", dataset_id="d",
        manifest={"recipe": recipe}, tune=tune, created_at=utc_now(),
    )  # fmt: skip


@pytest.mark.parametrize("recipe", ["own", "text-linear"])
def test_labels_serve_where_there_are_enough(recipe: str) -> None:
    scores, correct = tune_of(version(150, recipe), SCORES)
    assert (len(scores), sum(correct)) == (150, 75)
    scores, correct = tune_of(version(500, recipe, uniform=201), SCORES)
    assert (len(scores), sum(correct)) == (201, 101)


def test_a_trained_version_is_never_taken_at_its_word() -> None:
    assert len(tune_of(version(20, "text-linear"), SCORES)[0]) == 20


def test_without_labels_a_foreign_version_is_taken_at_its_word() -> None:
    assert tune_of(version(0, "own"), SCORES) == self_reported_scores(SCORES)


def test_a_few_labels_correct_what_a_foreign_version_claims() -> None:
    # It claims 80 %, and is right on half.
    claimed, right = tune_of(version(99, "own"), [0.8])
    assert set(claimed) == {0.8}
    assert 0.45 < np.mean(right) < 0.6


def test_a_modest_version_is_planned_to_answer_more_once_a_few_labels_praise_it() -> None:
    scores = np.random.default_rng(2).uniform(0.5, 1, 3_000).astype(np.float32)
    praised = {"scores": [0.7] * 50, "correct": [True] * 50}
    shares = []
    for tune in (self_reported_scores(scores), self_reported_scores(scores, praised)):
        plan = plan_certification(*tune, scores, alpha=0.05, delta=0.05, labels=300)
        assert plan is not None
        shares.append(plan.region_share)
    assert shares[0] < 0.3
    assert shares[1] > 0.9


@given(labels=st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=99))
def test_recalibration_keeps_the_order_of_claims(labels: list[tuple[float, bool]]) -> None:
    claims = np.linspace(0, 1, 50)
    scores, correct = [one[0] for one in labels], [one[1] for one in labels]
    corrected = recalibrated(claims, scores, correct)
    assert ((corrected >= 0) & (corrected <= 1)).all()
    assert (np.diff(corrected) >= 0).all()


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50))
def test_its_word_is_right_as_often_as_it_claims(scores: list[float]) -> None:
    claimed, right = self_reported_scores(scores)
    assert set(claimed) == set(scores)
    assert abs(np.mean(right) - np.mean(claimed)) < 0.06
    assert self_reported_scores(scores) == (claimed, right)


def test_a_plan_can_be_made_of_it() -> None:
    scores = np.random.default_rng(1).uniform(0.5, 1, 3_000).astype(np.float32)
    plan = plan_certification(
        *self_reported_scores(scores), scores, alpha=0.1, delta=0.05, labels=300
    )
    assert plan is not None
    # Among items from c on up to 1 the claimed error is (1 - c) / 2: a tenth from 0.8 on.
    assert 0.74 < plan.region < 0.86
    assert plan.predicted_power > 0.5
