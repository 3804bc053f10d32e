"""The arithmetic of certificates: SciPy's figures, and every figure that does not hold named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import special

from services.trainer.promise.binomial import upper_bound
from shared.contracts.certificates import (
    MOST_ATTEMPTS,
    MOST_LABELS,
    attempt_delta,
    binomial_cdf,
    certificate_fault,
)
from shared.contracts.projects import MOST_CERTAIN
from shared.contracts.versions import Certificate, Window

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
EXPIRY = NOON + timedelta(days=30)


def certificate(**changes: Any) -> Certificate:
    """A certificate of 470 accepted labels out of 500, of which ten were wrong, for 95 %."""
    given: dict[str, Any] = {
        "target_accuracy": 0.95,
        "confidence": 0.95,
        "threshold": 0.9,
        "labels": 500,
        "accepted": 470,
        "errors": 10,
        "upper_bound": upper_bound(10, 470, 0.04),
        "attempt": 1,
        "delta": 0.04,
        "delta_spent": 0.04,
        "digest": "0" * 64,
        "model_sha256": "ab" * 32,
        "population": "traffic",
        "certified_at": NOON,
        "window": Window(since=NOON - timedelta(days=7), until=NOON),
    }
    return Certificate(**{**given, **changes})


def test_a_certificate_that_holds_has_no_fault() -> None:
    assert certificate_fault(certificate(), EXPIRY) is None
    assert certificate_fault(certificate(upper_bound=0.05), EXPIRY) is None


def test_a_certificate_of_the_release_before_is_judged_by_what_it_has() -> None:
    older = certificate().model_dump(
        mode="json", exclude={"method", "accepted", "delta_spent", "window"}
    )
    older["evidence"] = {"accepted": 470}
    assert certificate_fault(Certificate.model_validate(older), EXPIRY) is None
    older["evidence"] = {"accepted": 200}
    assert certificate_fault(Certificate.model_validate(older), EXPIRY) == "bound"
    older["evidence"] = {"accepted": "many"}
    assert certificate_fault(Certificate.model_validate(older), EXPIRY) == "counts"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"method": "e-values"}, "unknown_method"),
        ({"threshold": 1.5}, "threshold"),
        ({"threshold": -0.1}, "threshold"),
        ({"errors": -1}, "counts"),
        ({"errors": 471}, "counts"),
        ({"accepted": 501}, "counts"),
        ({"accepted": 0, "errors": 0}, "counts"),
        ({"labels": MOST_LABELS + 1}, "counts"),
        ({"labels": 10**13, "accepted": 10**13, "errors": 4 * 10**11}, "counts"),
        ({"labels": 10**400, "accepted": 10**400, "errors": 10**399}, "counts"),
        ({"errors": -(10**400)}, "counts"),
        ({"attempt": MOST_ATTEMPTS + 1}, "counts"),
        ({"attempt": 10**400}, "counts"),
        ({"delta": 0.0}, "delta"),
        ({"delta": 0.05}, "delta"),
        ({"attempt": 2}, "delta"),
        ({"attempt": 0}, "delta"),
        ({"confidence": 1.0}, "delta"),
        ({"delta_spent": 0.06}, "delta"),
        ({"delta_spent": 0.01}, "delta"),
        ({"target_accuracy": 0.98}, "target"),
        ({"upper_bound": 0.06}, "target"),
        ({"upper_bound": 0.03}, "bound"),
        ({"upper_bound": 0.0}, "bound"),
        ({"upper_bound": -0.1}, "bound"),
        ({"errors": 20}, "bound"),
        ({"accepted": 200}, "bound"),
        ({"certified_at": EXPIRY + timedelta(seconds=1)}, "dates"),
    ],
)
def test_a_figure_that_does_not_hold_is_named(changes: dict[str, Any], fault: str) -> None:
    assert certificate_fault(certificate(**changes), EXPIRY) == fault


@given(
    accepted=st.integers(1, 5000),
    share=st.floats(0, 0.2),
    confidence=st.sampled_from([0.5, 0.9, 0.99, 0.999999, 0.9999999, 0.99999999, MOST_CERTAIN]),
    attempt=st.integers(1, MOST_ATTEMPTS),
)
@example(accepted=3000, share=0.0, confidence=0.999999, attempt=66)
@example(accepted=3000, share=0.0, confidence=0.9999999, attempt=18)
@example(accepted=3000, share=0.0, confidence=0.99999999, attempt=12)
@example(accepted=3000, share=0.0, confidence=MOST_CERTAIN, attempt=4)
def test_whatever_the_trainer_proves_routers_accept(
    accepted: int, share: float, confidence: float, attempt: int
) -> None:
    errors = int(share * accepted)
    total = round(1 - confidence, 12)
    delta = attempt_delta(total, attempt)
    bound = upper_bound(errors, accepted, delta)
    # No project may promise less: near an accuracy of 0 the rounding of 1 - bound would count.
    assume(bound < 0.5)
    figures = certificate(
        accepted=accepted,
        labels=accepted,
        errors=errors,
        confidence=confidence,
        attempt=attempt,
        delta=delta,
        delta_spent=sum(attempt_delta(total, k) for k in range(1, attempt + 1)),
        upper_bound=bound,
        target_accuracy=1 - bound,
    )
    assert certificate_fault(figures, EXPIRY) is None
    optimistic = figures.model_copy(update={"upper_bound": bound * 0.999})
    assert certificate_fault(optimistic, EXPIRY) == "bound"


@given(trials=st.integers(1, 100_000), share=st.floats(0, 1), rate=st.floats(1e-6, 1 - 1e-6))
def test_the_sum_of_binomial_terms_is_scipys(trials: int, share: float, rate: float) -> None:
    successes = min(trials, int(share * trials))
    expected = float(special.bdtr(successes, trials, rate))
    assert binomial_cdf(successes, trials, rate) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_small_chances_of_large_samples_are_exact() -> None:
    for successes, trials, rate in ((9_700, 1_000_000, 0.01), (480_000, 1_000_000, 0.482)):
        expected = float(special.bdtr(successes, trials, rate))
        assert binomial_cdf(successes, trials, rate) == pytest.approx(expected, rel=1e-6)
    assert binomial_cdf(0, 10, 0.0) == 1.0
    assert binomial_cdf(9, 10, 1.0) == 0.0
    assert np.isclose(binomial_cdf(10, 10, 0.3), 1.0)
    for successes, trials, rate in ((-1, 10, 0.5), (11, 10, 0.5), (0, 0, 0.5), (1, 2, 1.5)):
        with pytest.raises(ValueError, match="must lie"):
            binomial_cdf(successes, trials, rate)


def test_the_largest_counts_that_are_taken_are_judged_rightly() -> None:
    errors = MOST_LABELS // 50
    bound = upper_bound(errors, MOST_LABELS, 0.04)
    changes = {"labels": MOST_LABELS, "accepted": MOST_LABELS, "errors": errors}
    assert certificate_fault(certificate(**changes, upper_bound=bound), EXPIRY) is None
    optimistic = certificate(**changes, upper_bound=bound * 0.9999)
    assert certificate_fault(optimistic, EXPIRY) == "bound"
