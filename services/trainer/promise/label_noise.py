"""Correct a test for reviewers who overlook wrong answers (pure).

Known-wrong answers are mixed in as probes. If reviewers let a share eta of wrong answers pass, an
error of alpha shows as alpha (1 - eta) or more among the labels. So a fifth of delta bounds eta by
the probes, and the test asks with the other four fifths whether the error that shows is below
alpha (1 - bound). The certificate is false only if the bound is (delta / 5) or if the test is
(0.8 delta). Slips the other way, right answers called wrong, cost power and never validity.
"""

from services.trainer.promise.binomial import upper_bound

LEAST_PROBES = 30
"""With fewer probes the bound would be too wide to certify anything: the test is uncorrected."""

BOUND_SHARE = 0.2
TEST_SHARE = 0.8


def miss_rate_bound(missed: int, probes: int, delta: float) -> float | None:
    """Upper bound of the share of wrong answers that reviewers let pass, at a fifth of delta.

    Parameters
    ----------
    missed : in 0..probes
    probes : at least 0, answered known-wrong answers
    delta : in (0, 1), of the bound and the test together

    Returns
    -------
    None with fewer than 30 probes: the certificate is uncorrected.
    """
    if probes < LEAST_PROBES:
        return None
    return upper_bound(missed, probes, BOUND_SHARE * delta)


def corrected_alpha(alpha: float, missed: int, probes: int, delta: float) -> float:
    """Error that the labels may show at most, so that the true error is at most alpha.

    To be tested at `TEST_SHARE` of delta.

    Returns
    -------
    In [0, alpha]: alpha itself with fewer than 30 probes, and 0 if every probe was missed, when
    nothing can be certified.

    Examples
    --------
    >>> round(corrected_alpha(0.1, 6, 300, 0.05), 4), corrected_alpha(0.1, 0, 29, 0.05)
    (0.0952, 0.1)
    """
    bound = miss_rate_bound(missed, probes, delta)
    return alpha if bound is None else alpha * (1 - bound)
