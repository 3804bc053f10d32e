"""The evidence of a shadow stage, and what a stage comes to."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.science.shadow import Setting, simulate
from services.trainer.gate.shadow.betting import ShadowCounts, log_not_worse, log_worse
from services.trainer.gate.shadow.verdict import ShadowTerms, decide, ending_of

MARGINS = st.sampled_from([0.005, 0.025, 0.1])
TERMS = ShadowTerms(margin=0.025, alpha=0.03, refusal_alpha=0.05, labels=40)


@st.composite
def counts(draw: st.DrawFn) -> ShadowCounts:
    won, lost, neither, waiting = (draw(st.integers(0, 60)) for _ in range(4))
    agreed = draw(st.integers(0, 500))
    items = agreed + won + lost + neither + waiting
    return ShadowCounts(items, won, lost, neither, waiting)


@given(MARGINS, st.floats(0, 1))
def test_a_bet_on_one_item_is_fair_at_the_margin(margin: float, share: float) -> None:
    # The expected capital after one item is 1 for every share of differing items that can be worse
    # by the margin.
    differing = margin + share * (1 - margin)
    won, lost = (differing - margin) / 2, (differing + margin) / 2
    for log_capital in (log_not_worse, log_worse):
        outcomes = (
            (won, ShadowCounts(1, won=1)),
            (lost, ShadowCounts(1, lost=1)),
            (1 - differing, ShadowCounts(1)),
        )
        expected = sum(chance * math.exp(log_capital(one, margin)) for chance, one in outcomes)
        assert expected == pytest.approx(1)


@given(counts(), MARGINS)
def test_a_verdict_never_weakens_what_was_shown_without_it(
    found: ShadowCounts, margin: float
) -> None:
    if not found.waiting:
        return
    fewer = found.waiting - 1
    for name in ("won", "lost", "neither"):
        changed = {**vars(found), "waiting": fewer, name: getattr(found, name) + 1}
        said = ShadowCounts(**changed)
        assert log_not_worse(said, margin) >= log_not_worse(found, margin) - 1e-9
        assert log_worse(said, margin) >= log_worse(found, margin) - 1e-9


@given(counts(), MARGINS)
def test_both_directions_are_never_shown_at_once(found: ShadowCounts, margin: float) -> None:
    assert min(log_not_worse(found, margin), log_worse(found, margin)) < math.log(20)


def test_a_stage_ends_as_its_verdicts_say() -> None:
    assert ending_of(ShadowCounts(400, won=20, lost=4), TERMS, is_over=False) == "passed"
    assert ending_of(ShadowCounts(200, won=2, lost=30), TERMS, is_over=False) == "refused"
    undecided = ShadowCounts(400, won=16, lost=24)
    assert ending_of(undecided, TERMS, is_over=False) == "undecided"
    waiting = ShadowCounts(400, won=16, lost=23, waiting=1)
    assert ending_of(waiting, TERMS, is_over=False) is None
    assert ending_of(waiting, TERMS, is_over=True) == "undecided"
    assert ending_of(ShadowCounts(), TERMS, is_over=False) is None
    for found in (undecided, ShadowCounts(), ShadowCounts(400, won=1, lost=39)):
        decision = decide(found, TERMS, "undecided")
        assert not decision.promote
        assert decision.tests[0].outcome == "insufficient"
        assert decision.reasons[1].startswith("undecided")


def test_false_ends_are_rare_under_continuous_watching() -> None:
    runs, random = 2_000, np.random.default_rng(31)
    found = simulate(random, Setting(0.1, 0.05, 40), -0.05, runs, patience=20)
    limit = 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    assert found.passed <= limit
    assert found.refused <= limit
    assert simulate(random, Setting(0.1, 0.05, 40), 0.05, 40).passed > 0.9
