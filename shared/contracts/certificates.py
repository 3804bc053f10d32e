"""The arithmetic of a certificate, as the trainer does it and as routers repeat it (pure).

A router answers under a certificate only if the counts that it names prove the bound that it
names, the bound keeps the target, and the chance of error that it spent was its own to spend. It
cannot see the labels: this finds a document that is wrong in itself, not one that was forged well.
"""

import math
from datetime import datetime, timedelta

from shared.contracts.versions import METHOD, Certificate

CLOCK_SKEW = timedelta(minutes=5)
"""How far the clocks of a trainer and a router may differ."""

MOST_LABELS = 10_000_000
"""More labels than this no certificate names: ten times what a project may ask for."""
MOST_ATTEMPTS = 1000
"""More attempts than this no certificate names: ten times what a project may allow."""

_FIRST_TRY_SHARE = 0.8
# The trainer's SciPy and the sum below differ by far less; a forged bound by far more.
_RELATIVE = 1e-6
_ABSOLUTE = 1e-9


def attempt_delta(delta: float, attempt: int) -> float:
    """Share of delta that the given test of a project's promise may spend.

    The first test of a period gets 0.8 of it; all later ones together get the rest, the k-th
    0.2 · 6 / (pi² (k-1)²), because the sum of 1/j² is pi²/6. So the chance that any test of the
    period certifies wrongly is at most delta, however many there are (union bound).

    Parameters
    ----------
    delta : in (0, 1)
    attempt : the test's number in its period, of all versions together, counted from 1

    Raises
    ------
    ValueError
        attempt below 1 or delta out of range.

    Examples
    --------
    >>> [round(attempt_delta(0.05, k), 5) for k in (1, 2, 3)]
    [0.04, 0.00608, 0.00152]
    """
    if attempt < 1:
        raise ValueError("attempts are counted from 1")
    if not 0 < delta < 1:
        raise ValueError("delta must lie in (0, 1)")
    if attempt == 1:
        return _FIRST_TRY_SHARE * delta
    return (1 - _FIRST_TRY_SHARE) * delta * 6 / (math.pi**2 * (attempt - 1) ** 2)


def complement(share: float) -> float:
    """1 - share without the noise of binary fractions: 1 - 0.99 is to be 0.01."""
    return round(1 - share, 12)


def least_labels(target_accuracy: float, confidence: float) -> int:
    """Return how many labels, all of them right, prove the target in a first certification.

    The smallest n with ``target_accuracy ** n <= delta``, where delta is what the first attempt may
    spend (:func:`attempt_delta`).

    Parameters
    ----------
    target_accuracy, confidence : in (0, 1), as a project states them

    Examples
    --------
    >>> least_labels(0.99, 0.95), least_labels(0.9, 0.95)
    (321, 31)
    """
    delta = attempt_delta(complement(confidence), 1)
    return math.ceil(math.log(delta) / math.log(target_accuracy))


def binomial_cdf(successes: int, trials: int, rate: float) -> float:
    """Chance of at most `successes` in `trials`, each with chance `rate`.

    Summed from the largest term down until terms no longer count: some sqrt(trials) steps.

    Parameters
    ----------
    successes : in 0..trials
    trials : at least 1
    rate : in [0, 1]

    Returns
    -------
    float in [0, 1]; relative error below 1e-7 where `successes` are fewer than expected.

    Raises
    ------
    ValueError
        A count or the rate out of range.

    Examples
    --------
    >>> round(binomial_cdf(0, 299, 0.01), 4), round(binomial_cdf(10, 2000, 0.0085), 3)
    (0.0495, 0.048)
    """
    if not 0 <= successes <= trials or trials < 1 or not 0 <= rate <= 1:
        raise ValueError("successes must lie in 0..trials, and the rate in [0, 1]")
    if successes == trials or rate == 0:
        return 1.0
    if rate == 1:
        return 0.0
    if successes > trials * rate:
        return max(0.0, 1 - binomial_cdf(trials - successes - 1, trials, 1 - rate))
    term = _binomial_term(successes, trials, rate)
    total, count = term, successes
    while count > 0 and term > total * 1e-17:
        term *= count * (1 - rate) / ((trials - count + 1) * rate)
        total += term
        count -= 1
    return min(1.0, total)


def _binomial_term(successes: int, trials: int, rate: float) -> float:
    """Chance of exactly `successes`."""
    return math.exp(
        math.lgamma(trials + 1)
        - math.lgamma(successes + 1)
        - math.lgamma(trials - successes + 1)
        + successes * math.log(rate)
        + (trials - successes) * math.log1p(-rate)
    )


def certificate_fault(certificate: Certificate, expires_at: datetime | None) -> str | None:
    """Say what is wrong with a certificate in itself; None if its figures hold together.

    Parameters
    ----------
    expires_at
        When the entry that carries it ends; None if it has no end, which routing refuses itself.

    Returns
    -------
    ``unknown_method``, ``threshold``, ``counts``, ``delta``, ``bound``, ``target`` or ``dates``.
    """
    if certificate.method != METHOD:
        return "unknown_method"
    if not 0 <= certificate.threshold <= 1:
        return "threshold"
    if expires_at is not None and expires_at < certificate.certified_at:
        return "dates"
    return _fault_of_figures(certificate)


def _fault_of_figures(certificate: Certificate) -> str | None:
    accepted, bound = _accepted(certificate), certificate.upper_bound
    # First of all: integers of any size come from JSON, and floats hold up to 1e308.
    if certificate.labels > MOST_LABELS or certificate.attempt > MOST_ATTEMPTS:
        return "counts"
    if accepted is None or not 0 <= certificate.errors <= accepted <= certificate.labels:
        return "counts"
    if not _spends_its_own(certificate):
        return "delta"
    if bound > complement(certificate.target_accuracy) + _ABSOLUTE:
        return "target"
    # So few errors must be unlikely, were the true rate above the bound (Clopper and Pearson).
    proven = 0 < bound <= 1 and (
        binomial_cdf(certificate.errors, accepted, bound) <= certificate.delta * (1 + _RELATIVE)
    )
    return None if proven else "bound"


def _accepted(certificate: Certificate) -> int | None:
    """Labels at or above the threshold; None if their number makes no sense."""
    found = certificate.accepted
    if found is None:
        # Certificates of the release before have it among the evidence.
        found = certificate.evidence.get("accepted", certificate.labels)
    return found if type(found) is int and found > 0 else None


def _spends_its_own(certificate: Certificate) -> bool:
    total, delta = complement(certificate.confidence), certificate.delta
    if not 0 < total < 1 or certificate.attempt < 1:
        return False
    spent = certificate.delta_spent if certificate.delta_spent is not None else delta
    allowed = attempt_delta(total, certificate.attempt)
    return 0 < delta <= min(allowed, spent) * (1 + _RELATIVE) and spent <= total * (1 + _RELATIVE)
