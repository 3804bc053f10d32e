"""Tempering: posteriors that are as sure as they are right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.science.consensus import calibration
from bench.science.crowds import Crowd, mixed_crowd, temper
from services.review_queue.consensus.dawid_skene import fit
from services.review_queue.consensus.tempering import (
    CAUTIOUS,
    exponent_of,
    fit_correlation,
    vote_correlation,
)
from services.review_queue.consensus.votes import UNKNOWN

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_tempered_posteriors_are_calibrated_on_subjective_items(seed: int) -> None:
    found = calibration(mixed_crowd(misled=0.4), 15_000, np.random.default_rng(seed))
    assert found.tempered_error < 0.04
    assert found.plain_error > 2.5 * found.tempered_error
    assert found.tempered == pytest.approx(found.accuracy, abs=0.03)


@pytest.mark.parametrize("seed", SEEDS)
def test_independent_reviewers_are_hardly_tempered(seed: int) -> None:
    found = calibration(mixed_crowd(), 15_000, np.random.default_rng(seed))
    assert found.correlation < 0.05
    assert found.tempered_error < 0.01


def test_tempered_posteriors_are_calibrated_however_many_votes_there_are() -> None:
    crowd = mixed_crowd(misled=0.4)
    votes, truth = crowd.vote(3_000, 9, np.random.default_rng(4))
    fitted = fit(votes, truth)
    correlation = vote_correlation(votes, truth, fitted, most_votes=9)
    for n_votes in (1, 3, 6, 9):
        others, labels = crowd.vote(8_000, n_votes, np.random.default_rng(5))
        rows = np.zeros((others.n_tasks, others.n_labels))
        given_rows = fitted.model.log_confusion[:, others.reviewers, others.labels].T
        np.add.at(rows, others.tasks, given_rows)
        posterior = temper(fitted.model.log_prior, rows, exponent_of(n_votes, correlation))
        right = (posterior.argmax(axis=1) == labels).mean()
        assert posterior.max(axis=1).mean() == pytest.approx(right, abs=0.025)


def test_correlation_is_cautious_until_there_is_gold_with_several_votes() -> None:
    votes, truth = mixed_crowd().vote(200, 3, np.random.default_rng(6))
    for items in (0, 29):
        gold = np.where(np.arange(200) < items, truth, UNKNOWN)
        assert vote_correlation(votes, gold, fit(votes, gold), most_votes=5) == CAUTIOUS
    single, truth = mixed_crowd().vote(200, 1, np.random.default_rng(7))
    assert vote_correlation(single, truth, fit(single, truth), most_votes=5) == CAUTIOUS


def test_gold_with_many_votes_says_what_gold_with_few_votes_says() -> None:
    crowd = mixed_crowd(misled=0.4)
    found = []
    for per_task in (4, 20):
        votes, truth = crowd.vote(2_000, per_task, np.random.default_rng(8))
        found.append(vote_correlation(votes, truth, fit(votes, truth), most_votes=4))
    assert found[0] == pytest.approx(found[1], abs=0.06)


def test_items_of_the_fit_are_judged_as_if_they_were_new() -> None:
    votes, truth = Crowd(np.full(40, 0.6), 8).vote(60, 4, np.random.default_rng(9))
    fitted = fit(votes, truth)
    rows = np.zeros((60, 8))
    np.add.at(rows, votes.tasks, fitted.model.log_confusion[:, votes.reviewers, votes.labels].T)
    in_sample = fit_correlation(fitted.model.log_prior, rows, np.full(60, 4), truth)
    assert vote_correlation(votes, truth, fitted, most_votes=4) > in_sample


def test_single_vote_is_believed_in_full_and_many_no_more_than_their_correlation_allows() -> None:
    assert exponent_of(1, 0.3) == 1
    assert exponent_of(5, 0.0) == 1
    assert exponent_of(5, CAUTIOUS) == pytest.approx(0.5)
    weights = np.arange(1, 1_000) * exponent_of(np.arange(1, 1_000), 0.2)
    assert (np.diff(weights) > 0).all()
    assert weights[-1] < 5


@given(
    st.lists(st.lists(st.floats(-9, 0), min_size=3, max_size=3), min_size=1, max_size=20),
    st.data(),
)
def test_correlation_makes_the_truth_likelier_than_others_would(
    rows: list[list[float]], data: st.DataObject
) -> None:
    n = len(rows)
    truth = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    n_votes = np.array(data.draw(st.lists(st.integers(1, 9), min_size=n, max_size=n)))
    log_prior, likelihood = np.log([0.5, 0.3, 0.2]), np.array(rows)

    def score(correlation: float) -> float:
        posterior = temper(log_prior, likelihood, exponent_of(n_votes, correlation))
        return float(np.log(posterior[np.arange(n), truth]).sum())

    chosen = fit_correlation(log_prior, likelihood, n_votes, truth)
    assert 0 <= chosen <= 1
    assert score(chosen) >= max(score(other) for other in np.linspace(0, 1, 21)) - 1e-9


def test_tempering_keeps_the_order_of_the_labels_under_equal_shares() -> None:
    rng = np.random.default_rng(10)
    likelihood, log_prior = -rng.exponential(3, (100, 4)), np.log(np.full(4, 0.25))
    plain = temper(log_prior, likelihood, 1.0).argsort(axis=1)
    np.testing.assert_array_equal(temper(log_prior, likelihood, 0.3).argsort(axis=1), plain)


def test_nothing_to_fit_on_is_refused() -> None:
    none = np.array([], dtype=np.int64)
    with pytest.raises(ValueError, match="at least one item"):
        fit_correlation(np.log([0.5, 0.5]), np.zeros((0, 2)), none, none)
    with pytest.raises(ValueError, match="one row"):
        fit_correlation(np.log([0.5, 0.5]), np.zeros((1, 3)), np.array([2]), np.array([0]))
