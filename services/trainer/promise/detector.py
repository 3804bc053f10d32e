"""Watch the audits of a certified version: has its error passed alpha, or grown past it (pure)?

Each audited answer is right or wrong. For each of 20 alternative error rates q above alpha it
multiplies two statistics by (q/alpha) if wrong, and by (1-q)/(1-alpha) if right: factors with a
mean of at most 1 while the chance of an error, given all earlier audits, is at most alpha.

- The e-process E is that product since the certificate. The mean of the 20 reaches 1/delta with a
  chance of at most delta while the error stays at most alpha, over all time (Ville's inequality).
- The Shiryaev-Roberts statistic M sums that product over all starts, M <- (M + 1) * factor, and so
  finds a change after a long good period, which the product alone would first have to undo. While
  the error stays at most alpha, the mean of the 20 first reaches 20,000 after at least 20,000
  audits on average.

The caller sees to two things: audits are taken in the order in which they were drawn, whatever the
order in which people answered them; and an item's chance of an audit was set before the item was
seen.

References
----------
Shin, Ramdas, Rinaldo, NEJSDS 2023, arXiv 2203.03532 (e-detectors).
Podkopaev and Ramdas, ICLR 2022, arXiv 2110.06177 (watching the risk of a deployed model).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

FloatArray = NDArray[np.float64]
Alarm = Literal["changed", "violated"]

RATES = 20
AUDITS_BETWEEN_FALSE_ALARMS = 20_000
_MOST_ALPHA = 0.5
_BISECTIONS = 80


@dataclass(frozen=True)
class AuditDetector:
    """State after some audits, one entry for each error rate of `rates`; all entries finite.

    Attributes
    ----------
    log_sr : log(1 + M), 0 at the start
    log_e : log(E), 0 at the start
    """

    log_sr: tuple[float, ...]
    log_e: tuple[float, ...]

    @classmethod
    def start(cls) -> "AuditDetector":
        """Return the state before the first audit."""
        return cls((0.0,) * RATES, (0.0,) * RATES)


@dataclass(frozen=True)
class Watch:
    """State after `taken` audits: all of them, or those up to the first alarm."""

    detector: AuditDetector
    taken: int
    alarm: Alarm | None


def rates(alpha: float) -> FloatArray:
    """Alternative error rates, shape (20,), rising evenly in logarithm from 1.25 alpha.

    The last one is 30 alpha, or 0.9 if that is less.

    Raises
    ------
    ValueError
        alpha outside (0, 0.5].
    """
    if not 0 < alpha <= _MOST_ALPHA:
        raise ValueError("alpha must lie in (0, 0.5]")
    largest = min(30.0, 0.9 / alpha)
    return np.asarray(alpha * np.exp(np.linspace(math.log(1.25), math.log(largest), RATES)))


def log_factors(alpha: float) -> tuple[FloatArray, FloatArray]:
    """Logarithms of what a right and a wrong answer multiply by, each of shape (20,)."""
    q = rates(alpha)
    return np.log1p(-q) - math.log1p(-alpha), np.log(q / alpha)


def advance(
    log_sr: FloatArray, log_e: FloatArray, log_factor: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Take one audit in, for arrays of shape (..., 20).

    Elementwise, so the result is equal to the last bit however audits are grouped into calls.
    """
    return np.logaddexp(0.0, log_sr + log_factor), log_e + log_factor


def run(detector: AuditDetector, wrong: Iterable[bool], alpha: float) -> AuditDetector:
    """Return the state after more audits, in the order of their selection, alarms ignored."""
    factors = log_factors(alpha)
    log_sr, log_e = np.asarray(detector.log_sr), np.asarray(detector.log_e)
    for one in wrong:
        log_sr, log_e = advance(log_sr, log_e, factors[bool(one)])
    return AuditDetector(tuple(log_sr.tolist()), tuple(log_e.tolist()))


def watch(detector: AuditDetector, wrong: Iterable[bool], alpha: float, delta: float) -> Watch:
    """Take audits in until the first alarm.

    An alarm may be over at the next audit, so a caller that looked only at the end of a batch would
    miss it: `watch` answers the same however the audits are grouped into batches.

    Parameters
    ----------
    wrong : in the order of selection
    alpha : in (0, 0.5], promised error
    delta : in (0, 1), chance of ever being called violated while the error is at most alpha
    """
    taken = 0
    for one in wrong:
        if alarm_of(detector, delta) is not None:
            break
        detector, taken = run(detector, [one], alpha), taken + 1
    return Watch(detector, taken, alarm_of(detector, delta))


def alarm_of(detector: AuditDetector, delta: float) -> Alarm | None:
    """Say what the state proves; "violated" is the stronger claim, so it comes first.

    Raises
    ------
    ValueError
        delta outside (0, 1).
    """
    if not 0 < delta < 1:
        raise ValueError("delta must lie in (0, 1)")
    if log_mean(np.asarray(detector.log_e)) >= -math.log(delta):
        return "violated"
    if log_mean(np.asarray(detector.log_sr)) >= math.log(1 + AUDITS_BETWEEN_FALSE_ALARMS):
        return "changed"
    return None


def log_mean(logarithms: FloatArray) -> FloatArray:
    """Logarithm of the mean over the last axis, of values given by their logarithms."""
    most = logarithms.max(axis=-1)
    return np.asarray(most + np.log(np.exp(logarithms - most[..., None]).mean(axis=-1)))


def confidence_sequence(errors: int, n: int, delta: float) -> tuple[float, float]:
    """Interval of an error rate that holds at all times at once, so it may be looked at daily.

    The rates at which the mixture of likelihood ratios over Beta(1/2, 1/2) is below 1/delta.

    Parameters
    ----------
    errors : in 0..n
    n : at least 0
    delta : in (0, 1), chance that the interval ever misses the true rate

    Raises
    ------
    ValueError
        A count or delta out of range.

    References
    ----------
    Robbins, Annals of Mathematical Statistics 41 (1970).
    Howard, Ramdas, McAuliffe, Sekhon, Annals of Statistics 49 (2021), arXiv 1810.08240.

    Examples
    --------
    >>> [round(bound, 4) for bound in confidence_sequence(10, 2000, 0.05)]
    [0.0011, 0.0134]
    """
    if not 0 <= errors <= n:
        raise ValueError("errors must lie in 0..n")
    if not 0 < delta < 1:
        raise ValueError("delta must lie in (0, 1)")
    mixture = float(betaln(errors + 0.5, n - errors + 0.5) - betaln(0.5, 0.5))
    limit = mixture + math.log(delta)
    return (
        _bisected(errors, n, limit, 0.0) if errors else 0.0,
        _bisected(errors, n, limit, 1.0) if errors < n else 1.0,
    )


def _bisected(errors: int, n: int, limit: float, outside: float) -> float:
    """Rate between errors/n and `outside` at which the log likelihood falls to `limit`.

    The bisection ends on the side outside, so rounding never narrows an interval.
    """
    inside = errors / n
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        likelihood = errors * math.log(middle) + (n - errors) * math.log1p(-middle)
        inside, outside = (middle, outside) if likelihood > limit else (inside, middle)
    return outside


@dataclass(frozen=True)
class Band:
    """Answered items of a band of scores, how many of them were audited, and how many wrong."""

    answered: int
    audited: int
    wrong: int


def post_stratified(bands: Sequence[Band]) -> float | None:
    """Error rate among all answered items, each band weighted by its share of the answers.

    Returns
    -------
    None if nothing was answered, or if a band with answers has no audit.
    """
    used = [band for band in bands if band.answered]
    if not used or not all(band.audited for band in used):
        return None
    answered = sum(band.answered for band in used)
    return sum(band.answered / answered * band.wrong / band.audited for band in used)
