"""Tango's score test."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from services.trainer.gate.spending import try_alpha
from services.trainer.gate.tango import (
    PairCounts,
    difference_bound,
    least_items,
    p_not_worse,
    p_worse,
    score_statistic,
)


@st.composite
def counts(draw: st.DrawFn) -> PairCounts:
    """Counts of up to 400 items."""
    gained, lost = draw(st.integers(0, 100)), draw(st.integers(0, 100))
    return PairCounts(gained + lost + draw(st.integers(1, 200)), gained, lost)


def _by_likelihood(found: PairCounts, difference: float) -> float:
    """Return the statistic with the constrained likelihood maximised by search."""
    both = found.items - found.gained - found.lost

    def negative(lost: float) -> float:
        cells = (lost + difference, lost, 1 - 2 * lost - difference)
        shares = np.maximum(cells, 1e-300)
        return -float(np.dot((found.gained, found.lost, both), np.log(shares)))

    low, high = max(0.0, -difference), (1 - difference) / 2
    lost = minimize_scalar(negative, bounds=(low, high), options={"xatol": 1e-12}).x
    spread = found.items * (2 * lost + difference * (1 - difference))
    return (found.gained - found.lost - found.items * difference) / math.sqrt(spread)


@given(counts(), st.sampled_from([-0.2, -0.05, -0.01, 0.03]))
def test_statistic_is_that_of_the_constrained_likelihood(
    found: PairCounts, difference: float
) -> None:
    assert score_statistic(found, difference) == pytest.approx(
        _by_likelihood(found, difference), rel=2e-3, abs=2e-3
    )


def test_interval_of_the_papers_example() -> None:
    # Tango 1998, cross-over trial of two soft lenses: 44 pairs, one discordant.
    found = PairCounts(items=44, gained=0, lost=1)
    assert difference_bound(found, 0.025) == pytest.approx(-0.1181, abs=5e-4)


def test_without_a_difference_it_is_mcnemars() -> None:
    assert score_statistic(PairCounts(300, 30, 12), 0.0) == pytest.approx(18 / math.sqrt(42))


@given(counts(), st.sampled_from([0.05, 0.0076, 1e-4]), st.sampled_from([0.01, 0.025, 0.1]))
def test_bound_and_p_value_agree(found: PairCounts, alpha: float, margin: float) -> None:
    bound, p_value = difference_bound(found, alpha), p_not_worse(found, margin)
    if abs(p_value - alpha) > 1e-7:
        assert (bound > -margin) == (p_value < alpha)
    assert p_value + p_worse(found, margin) == pytest.approx(1)


@given(counts())
def test_more_gained_items_never_lower_the_bound(found: PairCounts) -> None:
    better = PairCounts(found.items + 1, found.gained + 1, found.lost)
    assert difference_bound(better, 0.05) >= difference_bound(found, 0.05) - 1e-9


@pytest.mark.parametrize("margin", [0.005, 0.025, 0.1])
@pytest.mark.parametrize("alpha", [0.05, 0.0304, 1e-3])
def test_least_items_are_the_fewest_that_can_pass(margin: float, alpha: float) -> None:
    least = least_items(margin, alpha)
    assert p_not_worse(PairCounts(least, 0, 0), margin) <= alpha
    assert p_not_worse(PairCounts(least - 1, 0, 0), margin) > alpha


def test_all_tries_together_spend_no_more_than_alpha() -> None:
    assert sum(try_alpha(0.05, k) for k in range(1, 100_000)) <= 0.05
    with pytest.raises(ValueError, match="from 1"):
        try_alpha(0.05, 0)
    with pytest.raises(ValueError, match="alpha"):
        try_alpha(1.0, 1)


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        score_statistic(PairCounts(0, 0, 0), 0.0)
    with pytest.raises(ValueError, match="must lie in"):
        score_statistic(PairCounts(1, 0, 0), 1.0)


def test_type_one_error_at_the_margin_is_at_most_alpha() -> None:
    margin, discordant, alpha, runs = 0.025, 0.05, 0.05, 20_000
    random = np.random.default_rng(14)
    shares = [(discordant - margin) / 2, (discordant + margin) / 2, 1 - discordant]
    passed = _passes(random.multinomial(500, shares, size=runs), margin, alpha)
    assert passed <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / runs)


def test_twenty_tries_on_one_gold_set_pass_no_more_often_than_alpha() -> None:
    margin, discordant, runs, tries = 0.025, 0.05, 4_000, 20
    random = np.random.default_rng(15)
    shares = [(discordant - margin) / 2, (discordant + margin) / 2, 1 - discordant]
    never = np.ones(runs, dtype=np.bool_)
    for number in range(1, tries + 1):
        table = random.multinomial(1000, shares, size=runs)
        never &= ~_passing(table, margin, try_alpha(0.05, number))
    limit = 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    assert 1 - never.mean() <= limit


def _passes(table: np.ndarray, margin: float, alpha: float) -> float:
    return float(_passing(table, margin, alpha).mean())


def _passing(table: np.ndarray, margin: float, alpha: float) -> np.ndarray:
    """Say of each row of (gained, lost, both) whether it passes; like rows are computed once."""
    rows, places = np.unique(table, axis=0, return_inverse=True)
    p_values = np.array(
        [p_not_worse(PairCounts(int(row.sum()), int(row[0]), int(row[1])), margin) for row in rows]
    )
    return (p_values <= alpha)[places.ravel()]


def test_normal_quantile_is_what_the_bound_solves() -> None:
    found = PairCounts(500, 12, 15)
    assert score_statistic(found, difference_bound(found, 0.05)) == pytest.approx(norm.isf(0.05))
