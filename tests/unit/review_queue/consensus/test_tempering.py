"""Tempering: posteriors that are as sure as they are right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.science.consensus import calibration
from bench.science.crowds import Crowd, mixed_crowd
from services.review_queue.consensus.dawid_skene import UNKNOWN, fit
from services.review_queue.consensus.tempering import (
    CAUTIOUS,
    LOWEST,
    fit_exponent,
    temper,
    tempering_exponent,
)

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_tempered_posteriors_are_calibrated_on_subjective_items(seed: int) -> None:
    found = calibration(mixed_crowd(misled=0.3), 6_000, 0.1, np.random.default_rng(seed))
    assert found.tempered_error < 0.05
    assert found.plain_error > 2 * found.tempered_error
    assert abs(found.tempered - found.accuracy) < 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_independent_reviewers_are_hardly_tempered(seed: int) -> None:
    found = calibration(mixed_crowd(), 6_000, 0.1, np.random.default_rng(seed))
    assert found.exponent > 0.8
    assert found.tempered_error < 0.02


def test_exponent_is_cautious_until_there_is_gold_with_several_votes() -> None:
    votes, truth = mixed_crowd(misled=0.3).vote(200, 3, np.random.default_rng(4))
    for items in (0, 29):
        gold = np.where(np.arange(200) < items, truth, UNKNOWN)
        assert tempering_exponent(votes, gold, fit(votes, gold), most_votes=5) == CAUTIOUS
    single, truth = mixed_crowd(misled=0.3).vote(200, 1, np.random.default_rng(5))
    assert tempering_exponent(single, truth, fit(single, truth), most_votes=5) == CAUTIOUS


def test_gold_with_many_votes_says_what_gold_with_few_votes_says() -> None:
    crowd = mixed_crowd(misled=0.3)
    found = []
    for per_task in (4, 20):
        votes, truth = crowd.vote(1_500, per_task, np.random.default_rng(6))
        found.append(tempering_exponent(votes, truth, fit(votes, truth), most_votes=4))
    assert found[0] == pytest.approx(found[1], abs=0.08)


def test_items_of_the_fit_are_judged_as_if_they_were_new() -> None:
    crowd = Crowd(np.full(40, 0.6), 8)
    votes, truth = crowd.vote(60, 4, np.random.default_rng(7))
    fitted = fit(votes, truth)
    rows = np.zeros((60, 8))
    np.add.at(rows, votes.tasks, fitted.model.log_confusion[votes.reviewers, votes.labels])
    in_sample = fit_exponent(fitted.model.log_prior, rows, truth)
    assert tempering_exponent(votes, truth, fitted, most_votes=4) < in_sample


@given(
    st.lists(st.lists(st.floats(-30, 0), min_size=3, max_size=3), min_size=1, max_size=20),
    st.data(),
)
def test_exponent_makes_the_truth_likelier_than_any_other_would(
    rows: list[list[float]], data: st.DataObject
) -> None:
    truth = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    log_prior, likelihood, known = np.log([0.5, 0.3, 0.2]), np.array(rows), np.array(truth)

    def score(exponent: float) -> float:
        posterior = temper(log_prior, likelihood, exponent)
        return float(np.log(posterior[np.arange(len(known)), known] + 1e-300).mean())

    chosen = fit_exponent(log_prior, likelihood, known)
    assert LOWEST <= chosen <= 1
    for other in np.linspace(LOWEST, 1, 20):
        assert score(chosen) >= score(other) - 1e-6


def test_tempering_keeps_the_order_of_the_labels_under_equal_shares() -> None:
    rng = np.random.default_rng(8)
    likelihood, log_prior = -rng.exponential(3, (100, 4)), np.log(np.full(4, 0.25))
    plain = temper(log_prior, likelihood, 1.0).argsort(axis=1)
    np.testing.assert_array_equal(temper(log_prior, likelihood, 0.3).argsort(axis=1), plain)


def test_nothing_to_fit_on_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        fit_exponent(np.log([0.5, 0.5]), np.zeros((0, 2)), np.array([], dtype=np.int64))
