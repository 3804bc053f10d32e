"""The plan of a certification: grid, start rule, storage."""

import json

import numpy as np
import pytest

from services.trainer.promise.binomial import power
from services.trainer.promise.planning import GRID_POINTS, CertificationPlan, plan_certification
from services.trainer.promise.risk import predict_risk
from tests.unit.trainer.promise.populations import CALIBRATED


def make_plan(labels: int = 2000, attempt: int = 1, seed: int = 0) -> CertificationPlan:
    rng = np.random.default_rng(seed)
    scores, correct = CALIBRATED.draw(3000, rng)
    plan = plan_certification(
        scores,
        correct,
        CALIBRATED.scores(5000, rng),
        alpha=0.01,
        delta=0.05,
        labels=labels,
        attempt=attempt,
    )
    assert plan is not None
    return plan


def test_grid_holds_quantiles_of_the_region_from_strict_to_generous() -> None:
    plan = make_plan()
    assert len(plan.thresholds) == GRID_POINTS
    assert (np.diff(plan.thresholds) < 0).all()
    np.testing.assert_allclose(plan.shares, np.arange(1, 41) / 40, atol=0.001)
    assert plan.thresholds[-1] == plan.region


def test_region_of_the_plan_is_the_candidate_region() -> None:
    rng = np.random.default_rng(8)
    scores, correct = CALIBRATED.draw(3000, rng)
    unlabelled = CALIBRATED.scores(5000, rng)
    plan = plan_certification(scores, correct, unlabelled, alpha=0.01, delta=0.05, labels=100)
    assert plan is not None
    assert plan.region == predict_risk(scores, correct, unlabelled).region(0.01)
    assert plan.region_share == pytest.approx((unlabelled >= np.float32(plan.region)).mean())


def test_start_is_the_strictest_point_of_nearly_the_best_power() -> None:
    plan = make_plan()
    accepted = np.rint(plan.labels * np.asarray(plan.shares))
    chance = power(accepted, np.asarray(plan.predicted_errors), plan.delta_attempt, plan.alpha)
    assert chance[plan.start] >= chance.max() - 0.02
    assert (chance[: plan.start] < chance.max() - 0.02).all()
    assert plan.predicted_power == pytest.approx(chance[plan.start])
    assert 0 < plan.expected_coverage < plan.region_share


def test_too_few_labels_have_no_power() -> None:
    plan = make_plan(labels=300)
    assert plan.delta_attempt == pytest.approx(0.04)
    assert plan.predicted_power == 0.0


def test_tied_scores_make_one_grid_point() -> None:
    scores = np.repeat(np.array([0.9, 0.95], dtype=np.float32), 500)
    plan = plan_certification(scores, np.ones(1000), scores, alpha=0.1, delta=0.05, labels=500)
    assert plan is not None
    assert plan.thresholds == (float(np.float32(0.95)), float(np.float32(0.9)))
    assert plan.shares == (0.5, 1.0)


def test_no_plan_without_a_candidate_region() -> None:
    scores = np.linspace(0.5, 1, 100, dtype=np.float32)
    wrong = np.zeros(100, dtype=bool)
    assert plan_certification(scores, wrong, scores, alpha=0.1, delta=0.05, labels=500) is None


def test_plan_survives_json() -> None:
    plan = make_plan()
    assert CertificationPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_plan_of_another_shape_is_refused() -> None:
    stored = make_plan().to_dict()
    del stored["start"]
    with pytest.raises(TypeError, match="start"):
        CertificationPlan.from_dict(stored)


def test_attempts_share_one_grid_and_spend_their_own_delta() -> None:
    plans = [make_plan(labels=700 * attempt, attempt=attempt) for attempt in (1, 2, 3)]
    assert [plan.attempt for plan in plans] == [1, 2, 3]
    assert sum(plan.delta_attempt for plan in plans) <= 0.05
    assert len({plan.thresholds for plan in plans}) == 1


def test_a_certification_without_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one label"):
        make_plan(labels=0)
