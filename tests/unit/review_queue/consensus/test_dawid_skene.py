"""Dawid-Skene: the published example, gold, warm starts and single tasks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.science.crowds import Crowd, anaesthetists
from services.review_queue.consensus.dawid_skene import DawidSkene, fit
from services.review_queue.consensus.votes import HONEST, UNKNOWN, Pseudocounts, Votes

# So weak a prior that the fit is the maximum of the likelihood, as published.
FLAT = Pseudocounts(1e-9, 1e-9, 1e-9)
CROWD = Crowd(np.array([0.9, 0.85, 0.8, 0.75, 0.7, 0.45]), 3)


@st.composite
def ballots(draw: st.DrawFn) -> Votes:
    """Up to 40 votes of up to 4 reviewers on up to 6 tasks, with up to 4 labels."""
    n_tasks, n_reviewers, n_labels = (draw(st.integers(low, high)) for low, high in
                                      ((1, 6), (1, 4), (2, 4)))  # fmt: skip
    vote = st.tuples(*(st.integers(0, n - 1) for n in (n_tasks, n_reviewers, n_labels)))
    rows = np.array(draw(st.lists(vote, max_size=40)), dtype=np.int64).reshape(-1, 3)
    return Votes(rows[:, 0], rows[:, 1], rows[:, 2], n_tasks, n_reviewers, n_labels)


def test_published_example_gives_the_published_estimates() -> None:
    found = fit(anaesthetists(), pseudocounts=FLAT, max_iterations=2_000, tolerance=1e-12).model
    np.testing.assert_allclose(np.exp(found.log_prior), [0.40, 0.42, 0.11, 0.07], atol=0.005)
    first_observer = np.exp(found.log_confusion[:, 0])
    np.testing.assert_allclose(
        first_observer[:3],
        [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0]],
        atol=0.005,
    )


def test_finds_how_each_reviewer_errs() -> None:
    votes, _ = CROWD.vote(4_000, 3, np.random.default_rng(2))
    confusion = np.exp(fit(votes).model.log_confusion)
    for reviewer, accuracy in enumerate(CROWD.accuracy):
        np.testing.assert_allclose(np.diag(confusion[:, reviewer]), accuracy, atol=0.06)


def test_beats_majority_vote_where_some_reviewers_are_bad() -> None:
    crowd = Crowd(np.array([0.95, 0.9, 0.5, 0.5, 0.5]), 3)
    votes, truth = crowd.vote(2_000, 5, np.random.default_rng(3))
    tally = np.zeros((votes.n_tasks, 3))
    np.add.at(tally, (votes.tasks, votes.labels), 1)
    majority = (tally.argmax(axis=1) == truth).mean()
    own = (fit(votes).posterior.argmax(axis=1) == truth).mean()
    assert own > majority + 0.04


@given(ballots(), st.data())
def test_density_never_falls_and_shares_sum_to_one(votes: Votes, data: st.DataObject) -> None:
    labels = st.integers(UNKNOWN, votes.n_labels - 1)
    gold = data.draw(st.lists(labels, min_size=votes.n_tasks, max_size=votes.n_tasks))
    found = fit(votes, gold, tolerance=-np.inf, max_iterations=8)
    assert (np.diff(found.log_density) >= -1e-9).all()
    assert len(found.log_density) == 2 or not found.converged
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(found.model.log_confusion).sum(axis=2), 1)
    np.testing.assert_allclose(np.exp(found.model.log_prior).sum(), 1)
    np.testing.assert_allclose(found.expected_votes.sum(), len(votes))


@given(ballots(), st.data())
def test_gold_keeps_its_label(votes: Votes, data: st.DataObject) -> None:
    task = data.draw(st.integers(0, votes.n_tasks - 1))
    label = data.draw(st.integers(0, votes.n_labels - 1))
    gold = np.full(votes.n_tasks, UNKNOWN)
    gold[task] = label
    expected = np.eye(votes.n_labels)[label]
    np.testing.assert_array_equal(fit(votes, gold).posterior[task], expected)


def test_gold_tells_a_contrarian_majority_from_the_truth() -> None:
    crowd = Crowd(np.array([0.9, 0.1, 0.1, 0.1]), 2)
    votes, truth = crowd.vote(500, 4, np.random.default_rng(4))
    gold = np.where(np.arange(500) < 50, truth, UNKNOWN)
    alone = fit(votes).posterior.argmax(axis=1)
    helped = fit(votes, gold).posterior.argmax(axis=1)
    assert (alone == truth)[50:].mean() < 0.1
    assert (helped == truth)[50:].mean() > 0.9


def test_order_of_the_votes_does_not_matter() -> None:
    votes, _ = CROWD.vote(300, 3, np.random.default_rng(5))
    order = np.random.default_rng(6).permutation(len(votes))
    shuffled = Votes(votes.tasks[order], votes.reviewers[order], votes.labels[order], 300, 6, 3)
    np.testing.assert_allclose(fit(votes).posterior, fit(shuffled).posterior, atol=1e-9)


def test_names_of_labels_do_not_matter() -> None:
    votes, _ = CROWD.vote(300, 3, np.random.default_rng(7))
    renamed = Votes(votes.tasks, votes.reviewers, (votes.labels + 1) % 3, 300, 6, 3)
    np.testing.assert_allclose(
        fit(votes).posterior, np.roll(fit(renamed).posterior, -1, axis=1), atol=1e-9
    )


def test_posterior_of_one_task_is_that_of_the_fit() -> None:
    votes, _ = CROWD.vote(300, 3, np.random.default_rng(8))
    found = fit(votes)
    for task in range(20):
        at = votes.tasks == task
        alone = found.model.posterior(votes.reviewers[at].tolist(), votes.labels[at].tolist())
        np.testing.assert_allclose(alone, found.posterior[task], atol=1e-12)


def test_exponent_runs_from_the_prior_to_the_posterior() -> None:
    votes, _ = CROWD.vote(300, 3, np.random.default_rng(9))
    model = fit(votes).model
    sure = [model.posterior([0, 1], [2, 2], exponent)[2] for exponent in (0, 0.25, 0.5, 1)]
    assert sure[0] == pytest.approx(np.exp(model.log_prior)[2])
    assert sure == sorted(sure)


def test_very_many_votes_do_not_underflow() -> None:
    everyone = np.arange(5_000)
    votes = Votes(0 * everyone, everyone, 0 * everyone + 1, 1, 5_000, 2)
    found = fit(votes)
    assert found.posterior[0, 1] == pytest.approx(1)
    assert np.isfinite(found.log_density).all()


def test_warm_start_ends_where_a_cold_one_does_in_fewer_iterations() -> None:
    rng = np.random.default_rng(10)
    votes, _ = CROWD.vote(1_000, 3, rng)
    before = votes.tasks < 950
    earlier = Votes(votes.tasks[before], votes.reviewers[before], votes.labels[before], 950, 6, 3)
    warm = fit(votes, start=fit(earlier).model)
    cold = fit(votes)
    assert warm.converged
    assert len(warm.log_density) < len(cold.log_density)
    assert (warm.posterior.argmax(axis=1) == cold.posterior.argmax(axis=1)).mean() >= 0.995


def test_warm_start_takes_new_reviewers_for_honest_ones() -> None:
    votes, _ = Crowd(CROWD.accuracy[:4], 3).vote(300, 3, np.random.default_rng(11))
    start = fit(votes).model
    grown = Votes(votes.tasks, votes.reviewers, votes.labels, 300, 5, 3)
    found = fit(grown, start=start).model
    expected = HONEST.of_votes(3) / HONEST.of_votes(3).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(found.log_confusion[:, 4]), expected)


def test_nothing_is_known_without_votes() -> None:
    found = fit(Votes(np.array([]), np.array([]), np.array([]), 2, 1, 4))
    np.testing.assert_allclose(found.posterior, 0.25)
    assert found.converged


@given(ballots())
def test_more_pseudo_votes_keep_reviewers_nearer_to_honest_ones(votes: Votes) -> None:
    strong = fit(votes, pseudocounts=Pseudocounts(4e9, 1e9, 1e9)).model
    right = np.diagonal(strong.log_confusion, axis1=0, axis2=2)
    np.testing.assert_allclose(np.exp(right), 0.8)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Votes(np.array([0]), np.array([0]), np.array([2]), 1, 1, 2),
        lambda: Votes(np.array([1]), np.array([0]), np.array([0]), 1, 1, 2),
        lambda: Votes(np.array([0]), np.array([-1]), np.array([0]), 1, 1, 2),
        lambda: Votes(np.array([0]), np.array([0, 0]), np.array([0]), 1, 1, 2),
    ],
)
def test_impossible_votes_are_refused(bad: object) -> None:
    with pytest.raises(ValueError, match="must be one index"):
        bad()  # type: ignore[operator]


def test_one_label_or_too_large_a_model_is_refused() -> None:
    none = np.array([], dtype=np.int64)
    with pytest.raises(ValueError, match="two labels"):
        Votes(none, none, none, 1, 1, 1)
    with pytest.raises(ValueError, match="too many"):
        Votes(none, none, none, 1, 1_000, 1_000)


def test_impossible_gold_or_start_is_refused() -> None:
    votes = Votes(np.array([0]), np.array([0]), np.array([0]), 1, 1, 2)
    for gold in ([2], [-2], [0, 0]):
        with pytest.raises(ValueError, match="gold must"):
            fit(votes, gold)
    other = DawidSkene(np.log([0.5, 0.25, 0.25]), np.zeros((1, 3, 3)))
    more = DawidSkene(np.log([0.5, 0.5]), np.zeros((2, 2, 2)))
    for start in (other, more):
        with pytest.raises(ValueError, match="start"):
            fit(votes, start=start)
