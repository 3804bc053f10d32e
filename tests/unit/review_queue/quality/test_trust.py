"""Trust in a reviewer: the posterior, the rate of gold, and the rule that pauses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.review_queue.quality.reviewers.trust import (
    PAUSE_CERTAINTY,
    PRIOR,
    Score,
    accuracy_of,
    gold_rate,
    judge,
)

scores = st.integers(0, 500).flatmap(
    lambda answered: st.builds(Score, st.just(answered), st.integers(0, answered))
)


@given(score=scores, accuracy=st.floats(0.01, 0.99))
def test_posterior_is_the_beta_distribution(score: Score, accuracy: float) -> None:
    posterior = accuracy_of(score)
    reference = stats.beta(posterior.right, posterior.wrong)
    assert posterior.mean == pytest.approx(reference.mean())
    assert posterior.deviation == pytest.approx(reference.std())
    assert posterior.below(accuracy) == pytest.approx(reference.cdf(accuracy), abs=1e-9)
    assert posterior.interval() == pytest.approx(reference.interval(0.95), abs=1e-6)


def test_answers_to_gold_are_added_to_the_prior() -> None:
    posterior = accuracy_of(Score(20, 18))
    assert (posterior.right, posterior.wrong) == (PRIOR.right + 18, PRIOR.wrong + 2)


def test_gold_rate_falls_from_five_to_one_in_a_hundred_as_trust_grows() -> None:
    rates = [gold_rate(Score(n, n), 0.05) for n in (0, 5, 20, 100, 1000, 100_000)]
    assert rates[0] == 0.05
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0.01, abs=1e-4)
    # After a hundred tests a reviewer of nine in ten is tested less than half as often.
    assert gold_rate(Score(100, 90), 0.05) < 0.02


def test_gold_rate_rises_again_when_a_trusted_reviewer_errs() -> None:
    assert gold_rate(Score(24, 20), 0.05) > gold_rate(Score(20, 20), 0.05)


@given(score=scores, highest=st.floats(0, 1))
def test_gold_rate_stays_between_its_ends(score: Score, highest: float) -> None:
    rate = gold_rate(score, highest)
    assert min(0.01, highest) - 1e-12 <= rate <= highest + 1e-12


@given(score=scores, least=st.floats(0.05, 0.95))
def test_pause_comes_with_the_figures_that_call_for_it(score: Score, least: float) -> None:
    found, posterior = judge(score, least), accuracy_of(score)
    assert (found is not None) == (posterior.below(least) > PAUSE_CERTAINTY)
    if found is not None:
        assert (found.answered, found.right) == (score.answered, score.right)
        assert (found.least_accuracy, found.certainty) == (least, PAUSE_CERTAINTY)
        assert found.low < found.accuracy < found.high


def test_nobody_is_paused_for_a_single_error_or_for_none() -> None:
    assert judge(Score(), 0.7) is None
    assert judge(Score(1, 0), 0.7) is None
    assert judge(Score(1000, 1000), 0.99) is None


def test_one_who_guesses_is_paused() -> None:
    found = judge(Score(20, 10), 0.8)
    assert found is not None
    assert found.probability_below > 0.99
    assert found.high < 0.8


def answers_until_pause(accuracy: float, least: float, answers: int, seed: int) -> int | None:
    """After how many answers to gold one of this accuracy is paused, asked after each."""
    right = np.random.default_rng(seed).random(answers) < accuracy
    for answered, so_far in enumerate(np.cumsum(right), start=1):
        if judge(Score(answered, int(so_far)), least) is not None:
            return answered
    return None


def test_bad_reviewers_are_paused_within_forty_answers_and_good_ones_hardly_ever() -> None:
    bad = [answers_until_pause(0.45, 0.75, 40, seed) for seed in range(100)]
    good = [answers_until_pause(0.93, 0.75, 200, seed) for seed in range(100)]
    assert sum(stopped is not None for stopped in bad) >= 95
    assert sum(stopped is not None for stopped in good) <= 1


def paused(accuracy: float, least: float, chance: np.random.Generator) -> int | None:
    """After how many of 100 answers a reviewer so often right is paused; None for never."""
    right = np.cumsum(chance.random(100) < accuracy)
    found = (n for n in range(1, 101) if judge(Score(n, int(right[n - 1])), least) is not None)
    return next(found, None)


@pytest.mark.parametrize(
    ("accuracy", "fewest", "most"), [(0.5, 0.97, 1.0), (0.8, 0.0, 0.08), (0.9, 0.0, 0.01)]
)
def test_bad_reviewers_are_paused_soon_and_good_ones_hardly_ever(
    accuracy: float, fewest: float, most: float
) -> None:
    chance = np.random.default_rng(7)
    found = [paused(accuracy, 0.75, chance) for _ in range(200)]
    after = sorted(answers for answers in found if answers is not None)
    assert fewest <= len(after) / 200 <= most
    # Half of those who guess are found within some fifteen answers.
    assert accuracy > 0.5 or after[len(after) // 2] <= 16
