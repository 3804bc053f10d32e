"""Deployments in a small form; `python -m bench science deployments` prints the full one."""

import numpy as np
import pytest

from bench.science.deployments import (
    first_false_certificates,
    hopeful,
    stock_text_violations,
    wrong_answers_until_alarm,
)

DELTA = 0.05


def limit(runs: int) -> float:
    """5 % and three standard errors."""
    return DELTA + 3 * float(np.sqrt(DELTA * (1 - DELTA) / runs))


def test_versions_of_one_period_share_one_delta() -> None:
    rng = np.random.default_rng(0)
    first = first_false_certificates(30, 4, hopeful, rng, shares_delta=True)
    assert np.isfinite(first).mean() <= limit(30)


def test_a_draw_of_occurrences_keeps_the_promise_where_stock_texts_recur() -> None:
    broken, coverage = stock_text_violations(60, np.random.default_rng(1), by_content=False)
    assert broken.mean() <= limit(60)
    assert coverage.mean() > 0.45


@pytest.mark.parametrize("good_audits", [0, 30, 300])
def test_answers_to_unknown_classes_are_stopped_within_150_wrong_ones(good_audits: int) -> None:
    rng = np.random.default_rng(2)
    counts = wrong_answers_until_alarm(good_audits, 1.0, 200, rng)
    assert np.median(counts) <= 150
    assert np.quantile(counts, 0.95) <= 250
