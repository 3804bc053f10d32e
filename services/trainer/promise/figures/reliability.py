"""How far confidences can be believed, and what answering more would cost (pure)."""

from collections.abc import Sequence

import numpy as np

from services.trainer.promise.binomial import interval
from services.trainer.promise.figures.messages import ReliabilityBin, RiskCoveragePoint
from services.trainer.promise.risk import as_scores

BINS = 15
POINTS = 50


def reliability_bins(scores: Sequence[float], correct: Sequence[bool]) -> list[ReliabilityBin]:
    """Compare confidence and accuracy in up to 15 bins of equally many predictions, rising.

    Parameters
    ----------
    scores : n values in [0, 1]
        Confidences of predictions that the model had not seen the labels of.
    correct : n values
        Whether each was right.

    Examples
    --------
    >>> [(one.labels, one.accuracy) for one in reliability_bins([0.6, 0.9], [False, True])]
    [(1, 0.0), (1, 1.0)]
    """
    known, right = as_scores(scores).astype(np.float64), np.asarray(correct, dtype=np.bool_)
    order = np.argsort(known, kind="stable")
    bins = []
    for rows in np.array_split(order, min(BINS, len(order))) if len(order) else []:
        hits = int(right[rows].sum())
        # The interval is of an error rate: of the accuracy it is the rest.
        lower, upper = interval(len(rows) - hits, len(rows))
        bins.append(
            ReliabilityBin(
                labels=len(rows),
                lowest=float(known[rows[0]]),
                highest=float(known[rows[-1]]),
                confidence=float(known[rows].mean()),
                accuracy=hits / len(rows),
                lower=1 - upper,
                upper=1 - lower,
            )
        )
    return bins


def risk_coverage(scores: Sequence[float], correct: Sequence[bool]) -> list[RiskCoveragePoint]:
    """Return the risk-coverage curve at up to 50 thresholds, the strictest first.

    Parameters
    ----------
    scores, correct
        As for `reliability_bins`. Equal scores are accepted together, as routing does.

    References
    ----------
    El-Yaniv and Wiener, Journal of Machine Learning Research 11 (2010).
    """
    known, right = as_scores(scores), np.asarray(correct, dtype=np.bool_)
    if not len(known):
        return []
    order = np.argsort(-known, kind="stable")
    falling, wrong = known[order], np.cumsum(~right[order])
    ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    wanted = np.linspace(0, len(known) - 1, min(POINTS, len(known))).round().astype(int)
    # The end of the group of equal scores that each wanted place lies in.
    chosen = np.unique(ends[np.searchsorted(ends, wanted)])
    points = []
    for place in chosen.tolist():
        accepted, errors = place + 1, int(wrong[place])
        lower, upper = interval(errors, accepted)
        points.append(
            RiskCoveragePoint(
                threshold=float(falling[place]),
                coverage=accepted / len(known),
                accepted=accepted,
                errors=errors,
                risk=errors / accepted,
                lower=lower,
                upper=upper,
            )
        )
    return points
