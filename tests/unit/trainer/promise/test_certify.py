"""The fixed-sequence test: what it certifies, and how rarely it is wrong."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.promise.binomial import error_p_value
from services.trainer.promise.certify import certify, eligible, may_still_certify
from services.trainer.promise.planning import CertificationPlan, next_draw, plan_certification
from shared.contracts.certificates import attempt_delta
from tests.unit.trainer.promise.populations import CALIBRATED, FLAT, Population

ALPHA, DELTA = 0.1, 0.05


@cache
def easy_plan(labels: int = 300) -> CertificationPlan:
    """A plan for scores spread over [0.5, 1], a model that errs on 2 %, and a promise of 90 %."""
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.5, 1, 2000).astype(np.float32)
    plan = plan_certification(
        scores, rng.random(2000) > 0.02, scores, alpha=ALPHA, delta=DELTA, labels=labels
    )
    assert plan is not None
    return plan


labelled = st.lists(
    st.tuples(st.floats(0.5, 1, width=32), st.integers(0, 9)), min_size=1, max_size=300
)


def split(items: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    scores = np.array([score for score, _ in items], dtype=np.float32)
    return scores, np.array([digit > 0 for _, digit in items])


def test_a_faultless_sample_certifies_the_whole_region() -> None:
    plan = easy_plan()
    scores = np.linspace(plan.region, 1, 300, dtype=np.float32)
    result = certify(plan, scores, np.ones(300))
    assert result.certified
    assert result.threshold == plan.region
    assert (result.accepted, result.errors, result.labels) == (300, 0, 300)
    assert result.upper_bound < 0.02
    assert result.labels_short is None


def test_all_wrong_certifies_nothing_and_asks_for_nothing() -> None:
    plan = easy_plan()
    result = certify(plan, np.linspace(plan.region, 1, 300), np.zeros(300))
    assert not result.certified
    assert result.threshold is None
    assert result.upper_bound == 1.0
    assert result.labels_short is None


def test_the_sequence_stops_at_its_first_failure() -> None:
    plan = replace(easy_plan(), start=10)
    scores = np.array(plan.thresholds, dtype=np.float32).repeat(10)
    correct = np.ones(len(scores), dtype=bool)
    correct[200:260] = False
    result = certify(plan, scores, correct)
    assert result.threshold == result.tested[-2].threshold
    assert result.threshold >= plan.thresholds[25]
    assert all(step.p_value <= plan.delta_attempt for step in result.tested[:-1])
    assert result.tested[-1].p_value > plan.delta_attempt
    assert result.tested[0].threshold == plan.thresholds[10]


def test_thresholds_stricter_than_the_start_are_not_tested() -> None:
    plan = replace(easy_plan(), start=20)
    scores = np.array(plan.thresholds, dtype=np.float32).repeat(10)
    correct = np.ones(len(scores), dtype=bool)
    correct[150:] = False
    assert not certify(plan, scores, correct).certified
    assert certify(replace(plan, start=5), scores, correct).certified


def test_a_score_equal_to_the_threshold_is_accepted() -> None:
    plan = easy_plan()
    tied = np.full(300, plan.region, dtype=np.float32)
    result = certify(replace(plan, start=len(plan.thresholds) - 1), tied, np.ones(300))
    assert result.accepted == 300
    below = np.nextafter(tied, np.float32(0), dtype=np.float32)
    assert certify(plan, below, np.ones(300)).accepted == 0


def test_threshold_survives_json_and_float64_scores() -> None:
    threshold = json.loads(json.dumps(float(np.float32(0.7))))
    assert eligible(np.array([0.7]), threshold).tolist() == [True]
    assert eligible(
        np.nextafter(np.array([0.7], dtype=np.float32), np.float32(0)), threshold
    ).tolist() == [False]


def test_result_is_json_with_its_whole_sequence() -> None:
    plan = easy_plan()
    result = certify(plan, np.linspace(plan.region, 1, 300), np.ones(300))
    stored = json.loads(json.dumps(result.to_dict()))
    assert np.float32(stored["threshold"]) == np.float32(plan.region)
    assert [step["threshold"] for step in stored["tested"]] == list(plan.thresholds[plan.start :])


@given(items=labelled)
def test_threshold_lies_in_the_plan_and_never_below_the_region(
    items: list[tuple[float, int]],
) -> None:
    plan, result = easy_plan(), certify(easy_plan(), *split(items))
    if result.certified:
        assert result.threshold in plan.thresholds[plan.start :]
        assert result.upper_bound <= ALPHA
        p_value = error_p_value(result.errors, result.accepted, ALPHA)
        assert p_value <= attempt_delta(DELTA, 1)


@given(items=labelled, seed=st.integers(0, 99))
def test_order_of_the_labels_does_not_matter(items: list[tuple[float, int]], seed: int) -> None:
    scores, correct = split(items)
    order = np.random.default_rng(seed).permutation(len(scores))
    plan = easy_plan()
    assert certify(plan, scores, correct) == certify(plan, scores[order], correct[order])


@given(items=labelled, data=st.data())
def test_one_more_error_never_certifies_more(
    items: list[tuple[float, int]], data: st.DataObject
) -> None:
    scores, correct = split(items)
    worse = correct.copy()
    worse[data.draw(st.integers(0, len(items) - 1))] = False
    before, after = certify(easy_plan(), scores, correct), certify(easy_plan(), scores, worse)
    assert (after.threshold or 2.0) >= (before.threshold or 2.0)


@given(items=labelled, seed=st.integers(0, 99))
def test_what_may_no_longer_certify_never_does(items: list[tuple[float, int]], seed: int) -> None:
    plan: CertificationPlan | None = replace(easy_plan(), draws=3)
    scores, correct = split(items)
    assert plan is not None
    if may_still_certify(plan, scores, correct):
        return
    rng = np.random.default_rng(seed)
    rest = rng.uniform(0.5, 1, 3 * plan.labels).astype(np.float32)
    right = rng.random(len(rest)) < 0.99
    while plan is not None:
        missing = plan.labels - len(scores)
        sample = np.append(scores, rest[:missing]), np.append(correct, right[:missing])
        assert not certify(plan, *sample).certified
        plan = next_draw(plan)


def test_errors_end_a_certification_early_and_successes_never_do() -> None:
    plan = easy_plan()
    scores = np.linspace(plan.region, 1, 100, dtype=np.float32)
    assert not may_still_certify(plan, scores, np.zeros(100))
    assert may_still_certify(plan, scores, np.ones(100))


def test_labels_short_is_about_what_the_next_attempt_needs() -> None:
    rng = np.random.default_rng(11)
    scores, correct = CALIBRATED.draw(3000, rng)
    unlabelled = CALIBRATED.scores(5000, rng)
    plan = plan_certification(scores, correct, unlabelled, alpha=0.01, delta=DELTA, labels=300)
    assert plan is not None
    short = certify(plan, *CALIBRATED.draw(300, rng, within=plan.region_share)).labels_short
    assert short is not None
    more = plan_certification(
        scores, correct, unlabelled, alpha=0.01, delta=DELTA, labels=300 + short, attempt=2
    )
    assert more is not None
    assert more.predicted_power > 0.5


def certified_coverage(
    population: Population,
    labels: int,
    runs: int,
    seed: int,
    *,
    draws: int = 1,
    tuned_on: Population = CALIBRATED,
) -> np.ndarray:
    """Coverage certified in each run at 1 % and 95 %, 0 where nothing was."""
    rng = np.random.default_rng(seed)
    coverage = np.zeros(runs)
    for run in range(runs):
        tune, unlabelled = tuned_on.draw(3000, rng), population.scores(1000, rng)
        plan = plan_certification(
            *tune, unlabelled, alpha=0.01, delta=DELTA, labels=labels, draws=draws
        )
        assert plan is not None
        sample = population.draw(labels * draws, rng, within=1 - plan.region)
        going_on: CertificationPlan | None = plan
        while going_on is not None and not coverage[run]:
            labelled_so_far = (part[: going_on.labels] for part in sample)
            result = certify(going_on, *labelled_so_far)
            coverage[run] = 0 if result.threshold is None else 1 - result.threshold
            going_on = next_draw(going_on)
    return coverage


@pytest.mark.parametrize("draws", [1, pytest.param(3, marks=pytest.mark.thorough)])
def test_risk_just_above_the_promise_is_rarely_certified_whatever_was_predicted(
    draws: int,
) -> None:
    runs = 120
    violated = certified_coverage(FLAT, 1500 // draws, runs, seed=7, draws=draws) > 0
    assert violated.mean() <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / runs)


def test_a_calibrated_population_is_mostly_certified_and_its_promise_kept() -> None:
    runs = 200
    coverage = certified_coverage(CALIBRATED, 2000, runs, seed=5)
    violated = np.array([CALIBRATED.selective_risk(c) > 0.01 for c in coverage])
    assert (coverage > 0).mean() >= 0.8
    assert coverage.mean() >= 0.45 * 0.357
    assert violated.mean() <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / runs)


def test_unequal_arrays_and_impossible_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="one entry an item"):
        certify(easy_plan(), [0.9, 0.8], [True])
    with pytest.raises(ValueError, match="scores must"):
        certify(easy_plan(), [float("nan")], [True])
