"""Label until certified or hopeless: validity at every look, and how many labels it takes."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.science.label_until import label_until, labels_needed, log_evidence
from bench.science.sequential import Decisions, decide, simulate
from services.trainer.promise.binomial import error_p_value

ALPHA, DELTA = 0.01, 0.05
rates = st.floats(0.005, 0.5)


@given(alpha=rates, share=st.integers(1, 20), above=st.floats(1, 2))
def test_bets_have_a_mean_of_at_most_one_while_the_error_is_at_least_alpha(
    alpha: float, share: int, above: float
) -> None:
    promised, error = Fraction(alpha), Fraction(alpha) * Fraction(above)
    q = promised * Fraction(share, 25)
    assert error * q / promised + (1 - error) * (1 - q) / (1 - promised) <= 1


def test_evidence_is_that_of_its_definition() -> None:
    errors, labels = 3, 900
    shares = [Fraction(k, 25) for k in range(1, 21)]
    alpha = Fraction(1, 100)
    right = [(1 - alpha * share) / (1 - alpha) for share in shares]
    pairs = zip(shares, right, strict=True)
    bets = [share**errors * up ** (labels - errors) for share, up in pairs]
    assert float(log_evidence(errors, labels, 0.01)) == pytest.approx(
        math.log(sum(bets) / len(bets)), rel=1e-9
    )


@given(alpha=rates, errors=st.integers(0, 30), right=st.integers(0, 2_000))
def test_each_success_raises_the_evidence_and_each_error_lowers_it(
    alpha: float, errors: int, right: int
) -> None:
    before = log_evidence(errors, errors + right, alpha)
    assert log_evidence(errors, errors + right + 1, alpha) > before
    assert log_evidence(errors + 1, errors + right + 1, alpha) < before


@given(alpha=rates, delta=rates, errors=st.integers(0, 30))
def test_labels_needed_certify_and_one_fewer_does_not(
    alpha: float, delta: float, errors: int
) -> None:
    needed = int(labels_needed(errors, delta, alpha))
    limit = -math.log(delta)
    assert log_evidence(errors, needed, alpha) >= limit > log_evidence(errors, needed - 1, alpha)
    # What the router checks of a certificate follows from the evidence.
    assert error_p_value(errors, needed, alpha) <= delta * (1 + 1e-9)


@given(wrong=st.lists(st.booleans(), max_size=120), cut=st.integers(0, 120))
def test_decision_is_the_same_however_often_one_looks(wrong: list[bool], cut: int) -> None:
    def decided(labels: list[bool]) -> tuple[str, int, int, int]:
        result = label_until(labels, alpha=0.3, delta=DELTA, budget=100)
        return result.state, result.taken, result.errors, result.needed

    early, late = decided(wrong[:cut]), decided(wrong)
    assert early == late or early[0] == "open"


@given(seed=st.integers(0, 1_000), error=st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.6]))
def test_simulation_decides_as_the_rule_does(seed: int, error: float) -> None:
    wrong = np.random.default_rng(seed).random((1, 100)) < error
    result = label_until(wrong[0], alpha=0.3, delta=DELTA, budget=100)
    simulated = decide(wrong, alpha=0.3)
    assert result.state == ("certified" if simulated.certified[0] else "hopeless")
    assert result.taken == simulated.labels[0]


def test_a_budget_too_small_for_a_faultless_sample_is_hopeless_at_once() -> None:
    needed = int(labels_needed(0, DELTA, ALPHA))
    hopeless = label_until([False] * 500, alpha=ALPHA, delta=DELTA, budget=needed - 1)
    assert (hopeless.state, hopeless.taken) == ("hopeless", 0)
    certified = label_until([False] * 500, alpha=ALPHA, delta=DELTA, budget=needed)
    assert (certified.state, certified.taken) == ("certified", needed)
    waiting = label_until([False] * 100, alpha=ALPHA, delta=DELTA, budget=needed)
    assert (waiting.state, waiting.taken, waiting.needed) == ("open", 100, needed)


def certified_of(error: float, runs: int, budget: int = 6_000) -> Decisions:
    return simulate(error, budget, runs, np.random.default_rng(4))


def test_an_error_of_exactly_alpha_is_rarely_certified() -> None:
    runs = 400
    rate = certified_of(ALPHA, runs).certified.mean()
    assert rate <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / runs)


@pytest.mark.parametrize(("error", "median"), [(0.0, 450), (0.002, 700), (0.003, 950)])
def test_labels_to_a_certificate_are_about_the_published_ones(error: float, median: int) -> None:
    decisions = certified_of(error, 300)
    assert decisions.certified.mean() >= 0.99
    assert np.median(decisions.labels) <= median


def test_a_hopeless_error_ends_long_before_the_budget() -> None:
    decisions = simulate(0.05, 2_000, 200, np.random.default_rng(5))
    assert not decisions.certified.any()
    assert np.median(decisions.labels) <= 400


def test_more_errors_need_more_labels() -> None:
    needed = labels_needed(np.arange(50), DELTA, ALPHA).tolist()
    assert all(fewer < more for fewer, more in pairwise(needed))


@pytest.mark.parametrize("bad", [0.0, 1.0, -0.1, float("nan")])
def test_rates_outside_the_open_unit_interval_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        log_evidence(0, 10, bad)
    with pytest.raises(ValueError, match="delta"):
        labels_needed(0, bad, ALPHA)
