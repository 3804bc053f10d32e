"""What a label costs on simulated crowds; ``python -m bench science consensus`` measures more."""

import pytest

from bench.science.consensus import MAJORITY, compare

TEMPERED = "tempered posterior, sure at 0.99"


def test_adaptive_overlap_needs_40_percent_fewer_verdicts_than_majority_of_seven() -> None:
    found = compare(["majority of 7", TEMPERED], tasks=3_000, runs=2, misled=0.0, seed=0)
    majority, tempered = found["majority of 7"], found[TEMPERED]
    assert majority.accuracy == pytest.approx(0.99, abs=0.003)
    assert tempered.accuracy >= majority.accuracy
    assert tempered.verdicts <= 0.6 * MAJORITY


def test_lead_rule_alone_costs_three_verdicts_and_a_point_of_accuracy() -> None:
    found = compare(["majority of 7", "lead of 2"], tasks=1_000, runs=3, misled=0.0, seed=0)
    majority, lead = found["majority of 7"], found["lead of 2"]
    assert lead.verdicts == pytest.approx(3.0, abs=0.1)
    assert majority.accuracy - 0.02 < lead.accuracy < majority.accuracy
