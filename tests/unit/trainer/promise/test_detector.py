"""The audit's detector: validity in exact arithmetic, equality to the bit, and how soon it acts."""

import json
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.science.audits import alarm_times
from services.trainer.promise.detector import (
    AUDITS_BETWEEN_FALSE_ALARMS,
    AuditDetector,
    Band,
    alarm_of,
    confidence_sequence,
    log_factors,
    post_stratified,
    rates,
    run,
    watch,
)

DELTA = 0.05
alphas = st.floats(0.001, 0.5)
audits = st.lists(st.booleans(), max_size=200)


@given(alpha=alphas, share=st.floats(0, 1))
def test_factors_have_a_mean_of_at_most_one_while_the_error_is_at_most_alpha(
    alpha: float, share: float
) -> None:
    promised = Fraction(alpha)
    error = promised * Fraction(share)
    right, wrong = log_factors(alpha)
    for k, rate in enumerate(rates(alpha)):
        q = Fraction(float(rate))
        if_wrong, if_right = q / promised, (1 - q) / (1 - promised)
        assert error * if_wrong + (1 - error) * if_right <= 1
        assert np.exp([right[k], wrong[k]]) == pytest.approx([if_right, if_wrong], rel=1e-12)


@given(alpha=alphas)
def test_rates_rise_from_above_the_promise_to_below_one(alpha: float) -> None:
    q = rates(alpha)
    assert len(q) == 20
    assert alpha < q[0]
    assert (np.diff(q) > 0).all()
    assert q[-1] == pytest.approx(min(30 * alpha, 0.9))


@given(wrong=audits, alpha=alphas, cuts=st.lists(st.integers(0, 200), max_size=5))
def test_state_is_equal_to_the_bit_however_audits_are_batched_and_stored_between(
    wrong: list[bool], alpha: float, cuts: list[int]
) -> None:
    at_once = run(AuditDetector.start(), wrong, alpha)
    one_by_one = AuditDetector.start()
    for one in wrong:
        one_by_one = run(one_by_one, [one], alpha)
    batched = AuditDetector.start()
    edges = [0, *sorted(min(cut, len(wrong)) for cut in cuts), len(wrong)]
    for start, stop in pairwise(edges):
        batched = run(batched, wrong[start:stop], alpha)
        stored = json.loads(json.dumps([batched.log_sr, batched.log_e], allow_nan=False))
        batched = AuditDetector(tuple(stored[0]), tuple(stored[1]))
    assert at_once == one_by_one == batched


@given(wrong=audits, data=st.data(), alpha=alphas)
def test_one_more_error_raises_every_statistic(
    wrong: list[bool], data: st.DataObject, alpha: float
) -> None:
    at = data.draw(st.integers(0, len(wrong)))
    better = run(AuditDetector.start(), [*wrong[:at], False, *wrong[at:]], alpha)
    worse = run(AuditDetector.start(), [*wrong[:at], True, *wrong[at:]], alpha)
    assert all(a >= b for a, b in zip(worse.log_sr, better.log_sr, strict=True))
    assert all(a > b for a, b in zip(worse.log_e, better.log_e, strict=True))


@given(wrong=audits, cut=st.integers(0, 200))
def test_first_alarm_is_the_same_however_audits_are_batched(wrong: list[bool], cut: int) -> None:
    at_once = watch(AuditDetector.start(), wrong, 0.1, DELTA)
    first = watch(AuditDetector.start(), wrong[:cut], 0.1, DELTA)
    rest = watch(first.detector, wrong[cut:], 0.1, DELTA)
    assert (rest.detector, rest.alarm) == (at_once.detector, at_once.alarm)
    assert first.taken + rest.taken == at_once.taken


def test_an_alarm_inside_a_batch_is_not_missed() -> None:
    wrong = [True] * 3 + [False] * 500
    assert alarm_of(run(AuditDetector.start(), wrong, 0.1), DELTA) is None
    found = watch(AuditDetector.start(), wrong, 0.1, DELTA)
    assert (found.alarm, found.taken) == ("violated", 2)


def test_statistics_are_those_of_their_definition() -> None:
    rng = np.random.default_rng(3)
    wrong = (rng.random(300) < 0.05).tolist()
    q, alpha = rates(0.05), 0.05
    sr, e = np.zeros(20), np.ones(20)
    for one in wrong:
        factor = q / alpha if one else (1 - q) / (1 - alpha)
        sr, e = (sr + 1) * factor, e * factor
    state = run(AuditDetector.start(), wrong, alpha)
    assert np.expm1(state.log_sr) == pytest.approx(sr, rel=1e-9)
    assert np.exp(state.log_e) == pytest.approx(e, rel=1e-9)


def test_a_change_after_a_long_good_period_is_told_from_a_violation() -> None:
    good = run(AuditDetector.start(), ([False] * 199 + [True]) * 15, 0.01)
    found = watch(good, ([False] * 9 + [True]) * 100, 0.01, DELTA)
    assert found.alarm == "changed"
    assert found.taken < 200
    assert watch(AuditDetector.start(), [True] * 10, 0.01, DELTA).alarm == "violated"


def test_endless_errors_and_endless_successes_stay_finite() -> None:
    state = run(AuditDetector.start(), [True] * 5000, 0.01)
    assert np.isfinite([*state.log_sr, *state.log_e]).all()
    assert alarm_of(state, DELTA) == "violated"
    state = run(AuditDetector.start(), [False] * 50_000, 0.01)
    assert np.isfinite([*state.log_sr, *state.log_e]).all()
    assert alarm_of(state, DELTA) is None


def test_false_alarms_are_rare_at_the_promise_and_rarer_below() -> None:
    runs, n = 200, 1_000
    rng = np.random.default_rng(0)
    changed, violated = alarm_times(rng.random((n, runs)) < 0.1, 0.1, DELTA)
    assert np.isfinite(violated).mean() <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / runs)
    # P(SR alarm by n) <= n / A, as the sum of the statistics minus n is a martingale.
    assert np.isfinite(changed).mean() <= n / AUDITS_BETWEEN_FALSE_ALARMS + 0.047
    changed, violated = alarm_times(rng.random((n, runs)) < 0.05, 0.1, DELTA)
    assert np.isfinite(np.minimum(changed, violated)).mean() <= 0.01


def test_twice_the_promised_error_after_3000_good_audits_is_found_within_1000() -> None:
    rng = np.random.default_rng(1)
    good, runs = 3_000, 100
    limits = np.where(np.arange(good + 3_000) < good, 0.005, 0.02)
    changed, violated = alarm_times(rng.random((len(limits), runs)) < limits[:, None], 0.01, DELTA)
    alarmed = np.minimum(changed, violated)
    delays = alarmed[alarmed > good] - good
    assert len(delays) >= 0.97 * runs
    assert np.median(delays) <= 1_000


def test_confidence_sequence_covers_the_true_rate_at_all_times() -> None:
    rng = np.random.default_rng(2)
    runs, missed = 100, 0
    looks = np.unique(np.geomspace(1, 2_000, 60).astype(int))
    for _ in range(runs):
        errors = np.cumsum(rng.random(2_000) < 0.03)
        bounds = [confidence_sequence(int(errors[n - 1]), int(n), DELTA) for n in looks]
        missed += not all(lower <= 0.03 <= upper for lower, upper in bounds)
    assert missed / runs <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / runs)


@given(n=st.integers(1, 5_000), data=st.data())
def test_confidence_sequence_holds_the_observed_rate_and_moves_with_the_errors(
    n: int, data: st.DataObject
) -> None:
    errors = data.draw(st.integers(0, n))
    lower, upper = confidence_sequence(errors, n, DELTA)
    assert 0 <= lower <= errors / n <= upper <= 1
    if errors < n:
        more = confidence_sequence(errors + 1, n, DELTA)
        assert more[0] > lower
        assert more[1] > upper or upper == 1


def test_confidence_sequence_of_nothing_is_everything() -> None:
    assert confidence_sequence(0, 0, DELTA) == (0.0, 1.0)


def test_post_stratified_error_weighs_bands_by_their_answers() -> None:
    bands = [Band(answered=900, audited=10, wrong=0), Band(answered=100, audited=40, wrong=20)]
    assert post_stratified(bands) == pytest.approx(0.05)
    assert post_stratified([*bands, Band(0, 0, 0)]) == pytest.approx(0.05)


def test_post_stratified_error_is_unknown_where_a_band_has_no_audit() -> None:
    assert post_stratified([Band(900, 10, 0), Band(1, 0, 0)]) is None
    assert post_stratified([]) is None


@pytest.mark.parametrize("bad", [0.0, 0.51, 1.0, -0.1, float("nan")])
def test_promises_out_of_range_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        rates(bad)


@pytest.mark.parametrize("bad", [0.0, 1.0, -0.1, float("nan")])
def test_levels_out_of_range_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="delta"):
        alarm_of(AuditDetector.start(), bad)
    with pytest.raises(ValueError, match="delta"):
        confidence_sequence(1, 10, bad)
    with pytest.raises(ValueError, match="errors"):
        confidence_sequence(11, 10, DELTA)
