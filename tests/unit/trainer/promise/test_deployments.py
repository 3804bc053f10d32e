"""Deployments in a small form; `python -m bench science deployments` prints the full one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.science.copies import misread_item_violations, stock_text_violations
from bench.science.deployments import (
    first_false_certificates,
    hopeful,
    items_until_certified,
    passes_start,
    wrong_answers_until_alarm,
)
from services.trainer.promise.certify import certify
from services.trainer.promise.planning import plan_certification

DELTA = 0.05


def limit(runs: int) -> float:
    """5 % and three standard errors."""
    return DELTA + 3 * float(np.sqrt(DELTA * (1 - DELTA) / runs))


@given(seed=st.integers(0, 10_000), error=st.sampled_from([0.02, 0.07, 0.1]))
@settings(max_examples=20)
def test_the_simulation_finds_a_certificate_where_certify_does(seed: int, error: float) -> None:
    rng = np.random.default_rng(seed)
    scores, right = rng.random(500), rng.random(500) >= error
    plan = plan_certification(scores, right, scores, alpha=0.1, delta=DELTA, labels=300)
    if plan is not None:
        drawn = plan.region + rng.random(300) * (1 - plan.region)
        correct = rng.random(300) >= error
        assert passes_start(plan, drawn, correct) == certify(plan, drawn, correct).certified


def test_versions_of_one_period_share_one_delta() -> None:
    rng = np.random.default_rng(0)
    first = first_false_certificates(30, 4, hopeful, rng, shares_delta=True)
    assert np.isfinite(first).mean() <= limit(30)


def test_a_draw_of_occurrences_keeps_the_promise_where_stock_texts_recur() -> None:
    broken, coverage = stock_text_violations(60, np.random.default_rng(1), by_content=False)
    assert broken.mean() <= limit(60)
    assert coverage.mean() > 0.45


def test_copies_of_a_misread_item_are_never_answered_under_a_certificate() -> None:
    broken, _ = misread_item_violations(60, np.random.default_rng(3))
    assert broken.mean() <= limit(60)


def test_a_project_without_a_pool_is_certified_within_1800_reviewed_items() -> None:
    rng = np.random.default_rng(4)
    assert (items_until_certified(0.7, 0.1, 40, rng) <= 1_800).mean() >= 0.95
    assert np.median(items_until_certified(0.6, 0.1, 40, rng)) <= 1_800


@pytest.mark.parametrize("good_audits", [0, 30, 300])
def test_answers_to_unknown_classes_are_stopped_within_150_wrong_ones(good_audits: int) -> None:
    rng = np.random.default_rng(2)
    counts = wrong_answers_until_alarm(good_audits, 1.0, 200, rng)
    assert np.median(counts) <= 150
    assert np.quantile(counts, 0.95) <= 250
