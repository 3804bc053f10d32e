"""Whether further labels are expected to change anything (pure)."""

from collections.abc import Sequence

import numpy as np

from services.trainer.labelling.messages import CurvePoint, StopAdvice

STABLE_KAPPA = 0.99
STABLE_ROUNDS = 3
# What 100 more labels must add to the share that may be answered, to be worth asking for.
_LEAST_GAIN = 0.005


def kappa(first: Sequence[str | None], second: Sequence[str | None]) -> float | None:
    """Return Cohen's kappa of two models' labels; None where chance alone would agree on all.

    Parameters
    ----------
    first, second : n labels each, of the same items; None: the model cannot score the item

    Examples
    --------
    >>> kappa(["a", "b", "a", "b"], ["a", "b", "b", "b"])
    0.5
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if not pairs:
        return None
    agreed = np.mean([a == b for a, b in pairs])
    labels = {label for pair in pairs for label in pair}
    by_chance = sum(
        np.mean([a == label for a, _ in pairs]) * np.mean([b == label for _, b in pairs])
        for label in labels
    )
    if by_chance >= 1:
        return None if agreed < 1 else 1.0
    return float((agreed - by_chance) / (1 - by_chance))


def answerable(scores: Sequence[float], correct: Sequence[bool], allowed: float) -> float:
    """Return the largest share of items, surest first, of which at most `allowed` are wrong.

    An estimate from labels that the model did not learn from, without any proof: a certificate
    covers less.

    Parameters
    ----------
    scores, correct : n values each
    allowed : in [0, 1)

    Examples
    --------
    >>> answerable([0.9, 0.8, 0.7, 0.6], [True, True, False, False], 0.1)
    0.5
    """
    if not len(scores):
        return 0.0
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    wrong = np.cumsum(~np.asarray(correct, dtype=np.bool_)[order])
    sizes = np.arange(1, len(order) + 1)
    kept = np.flatnonzero(wrong <= allowed * sizes)
    return 0.0 if not len(kept) else float(sizes[kept[-1]] / len(order))


def advice(points: Sequence[CurvePoint]) -> StopAdvice:
    """Say whether to go on, by the newest versions' points, oldest first.

    Stop where the last three versions each agree with their predecessor to a kappa of 0.99
    (Bloodgood and Vijay-Shanker, CoNLL 2009), or where the share that may be answered has risen by
    less than half a point for each 100 labels over the last three.
    """
    recent = list(points)[-STABLE_ROUNDS:]
    gain = _gain_per_100(recent)
    if len(recent) < STABLE_ROUNDS:
        words = f"too early to tell: {len(points)} of {STABLE_ROUNDS} versions are measured"
        return StopAdvice(advice="go_on", words=words, coverage_per_100_labels=gain)
    kappas = [point.kappa for point in recent]
    if all(one is not None and one >= STABLE_KAPPA for one in kappas):
        words = (
            f"the last {STABLE_ROUNDS} versions agree with those before them "
            f"(kappa at least {STABLE_KAPPA}), so further labels of this pool change little"
        )
        return StopAdvice(advice="stop", words=words, coverage_per_100_labels=gain)
    if gain is not None and gain < _LEAST_GAIN and min(point.coverage for point in recent) > 0:
        words = (
            f"100 more labels are expected to add {100 * gain:.1f} points to the share that "
            "can be answered"
        )
        return StopAdvice(advice="stop", words=words, coverage_per_100_labels=gain)
    words = "versions still change with new labels"
    return StopAdvice(advice="go_on", words=words, coverage_per_100_labels=gain)


def _gain_per_100(points: Sequence[CurvePoint]) -> float | None:
    """Return the slope of the answerable share over the labels, by least squares."""
    labels = np.array([point.labels for point in points], dtype=np.float64)
    if len(points) < 2 or np.ptp(labels) == 0:
        return None
    coverage = np.array([point.coverage for point in points])
    centred = labels - labels.mean()
    return float(100 * (centred @ coverage) / (centred @ centred))
