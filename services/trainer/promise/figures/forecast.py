"""What another promise would mean for people, errors and money (pure): advice, no certificate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.promise.detector import AUDITS_BETWEEN_FALSE_ALARMS
from services.trainer.promise.risk import predict_risk
from shared.contracts.certificates import complement

_DAY_HOURS = 24.0


@dataclass(frozen=True)
class Forecast:
    """What is expected of one promise, per item or per hour of the traffic.

    Attributes
    ----------
    threshold : confidence from which on items are answered; None if none keeps the target
    share_answered : in [0, 1]
    error_rate : predicted share of wrong answers among the answered
    errors_per_thousand : wrong answers in a thousand items, if reviewers answer the rest correctly
    reviews_per_hour : items that go to people, audits included
    labels_without_error : the fewest labels that could certify, were all of them right
    audits_to_detect, days_to_detect : about how long until twice the promised error is found; None
        where nothing is answered or audited
    """

    threshold: float | None
    share_answered: float
    error_rate: float
    errors_per_thousand: float
    reviews_per_hour: float
    labels_without_error: int
    audits_to_detect: int | None
    days_to_detect: float | None


def forecast(
    scores: Sequence[float],
    correct: Sequence[bool],
    traffic: Sequence[float],
    *,
    items_per_hour: float,
    target_accuracy: float,
    confidence: float,
    audit_rate: float,
) -> Forecast:
    """Predict what a promise does to the traffic, by isotonic regression on labelled items.

    Parameters
    ----------
    scores, correct : at least one
        Out-of-fold confidences, and whether the version was right.
    traffic : at least one
        The version's confidences of recent items.
    target_accuracy, confidence, audit_rate : in (0, 1)
    """
    alpha = complement(target_accuracy)
    curve = predict_risk(scores, correct, traffic)
    passing = np.flatnonzero(curve.selective_risk <= alpha)
    threshold, share, error = None, 0.0, 0.0
    if len(passing):
        rows = (curve.thresholds, curve.coverage, curve.selective_risk)
        threshold, share, error = (float(row[passing[-1]]) for row in rows)
    audits = audits_to_detect(alpha)
    audits_per_day = items_per_hour * _DAY_HOURS * share * audit_rate
    return Forecast(
        threshold=threshold,
        share_answered=share,
        error_rate=error,
        errors_per_thousand=1000 * share * error,
        reviews_per_hour=items_per_hour * (1 - share + share * audit_rate),
        labels_without_error=math.ceil(math.log(complement(confidence)) / math.log1p(-alpha)),
        audits_to_detect=audits if audits_per_day else None,
        days_to_detect=audits / audits_per_day if audits_per_day else None,
    )


def audits_to_detect(alpha: float) -> int:
    """Return about how many audits pass until the watch finds twice the error `alpha`.

    The Shiryaev-Roberts statistic grows by the Kullback-Leibler divergence D of the errors each
    audit, from about 1/D on: it reaches its limit A after log(A D) / D. The simulated medians
    (bench/science/audits.py) are somewhat lower.

    Parameters
    ----------
    alpha : in (0, 0.5)

    Examples
    --------
    >>> audits_to_detect(0.01)
    1115
    """
    twice = min(2 * alpha, 0.999)
    growth = twice * math.log(twice / alpha) + (1 - twice) * math.log((1 - twice) / (1 - alpha))
    return max(1, math.ceil(math.log(AUDITS_BETWEEN_FALSE_ALARMS * growth) / growth))
