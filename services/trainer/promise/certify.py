"""Certification: the exact test that lets a model version answer alone (pure).

Learn-then-test by a fixed sequence of Clopper-Pearson tests: from the plan's start towards larger
coverage, each threshold must show so few errors that a true error of alpha would explain them
with a chance of at most delta; the first one that does not ends the sequence.

What makes the certificate valid, and what the caller must therefore see to:

1. Plan and thresholds were fixed before any certification label was seen.
2. The labelled items are a uniform draw from one recorded population inside the region, labelled
   blind, and none of them trained or tuned this version; from a pool, no near-copy of one that did.
3. Every drawn item counts: one that people could not answer is an error, and the number of labels
   never depends on what they say. A disagreement that was not adjudicated is an error.
4. Scores are float32 and accepted if `score >= threshold`, here as in routing.
5. Every test that is opened in one period spends its own part of delta (`attempt_delta`),
   whatever its version (`periods`). Of a test that takes several draws each spends a part of that
   and tests the labels of all draws up to it (`next_draw`).

Then the first threshold whose true error exceeds alpha is passed with a chance of at most delta,
and all thresholds between the start and the certified one hold at once. Thresholds stricter than
the start are not certified: the very top scores may be worse. The promise is about eligible items
of that population taken together, not about each item, nor about traffic that has changed since.

References
----------
Angelopoulos, Bates, Candès, Jordan, Lei, arXiv 2110.01052 (fixed-sequence testing).
Geifman and El-Yaniv, NeurIPS 2017, arXiv 1705.08500 (selection with guaranteed risk).
Jung, Brahman, Choi, ICLR 2025, arXiv 2407.18370.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.trainer.promise.binomial import error_p_value, largest_passing_errors, upper_bound
from services.trainer.promise.label_noise import Level, level_of_test
from services.trainer.promise.planning import CertificationPlan, next_draw
from services.trainer.promise.risk import as_scores
from shared.contracts.certificates import attempt_delta

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

WANTED_POWER = 0.8
# Sample sizes at which the power of a further attempt is looked up, 5 % apart.
SIZES = np.unique(np.geomspace(10, 1_000_000, 240).astype(np.int64))


@dataclass(frozen=True)
class SequenceStep:
    """One step of the sequence: errors among the accepted labels, and the test's p-value."""

    threshold: float
    accepted: int
    errors: int
    p_value: float


@dataclass(frozen=True)
class CertificationResult:
    """What the labels prove.

    Attributes
    ----------
    threshold : float32 value, or None if nothing is certified
    accepted, errors : labels at or above the threshold (at the start, if nothing is certified)
    upper_bound : the error that labels show there is at most this, with confidence
        1 - delta_attempt
    delta_attempt : what the test of this draw's labels has spent
    labels : verdicts tested
    labels_short : when not certified, about how many more labels in the region would certify
        something with 80 % power, were these labels used again; None if
        certified, or if the error is estimated above the promise everywhere
    tested : the whole sequence, the failing step included
    """

    threshold: float | None
    accepted: int
    errors: int
    upper_bound: float
    delta_attempt: float
    labels: int
    labels_short: int | None
    tested: tuple[SequenceStep, ...]

    @property
    def certified(self) -> bool:
        """Whether any threshold passed."""
        return self.threshold is not None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy; float32 thresholds survive JSON unchanged."""
        return asdict(self) | {"tested": [asdict(step) for step in self.tested]}


def eligible(scores: ArrayLike, threshold: float) -> BoolArray:
    """Whether each score may be answered alone: compared as float32, ties included."""
    return np.asarray(as_scores(scores) >= np.float32(threshold), dtype=np.bool_)


def certify(plan: CertificationPlan, scores: ArrayLike, correct: ArrayLike) -> CertificationResult:
    """Run the planned fixed-sequence test on the certification labels.

    The module's text says when the result is valid.

    Parameters
    ----------
    plan
        Fixed before the labels were drawn.
    scores : shape (n,), in [0, 1]
        This version's confidence for each drawn item; order does not matter.
    correct : shape (n,)
        Whether the prediction is the people's answer; an unanswerable item is False.

    Raises
    ------
    ValueError
        Unequal lengths, or scores outside [0, 1].
    """
    drawn, right = as_scores(scores), np.asarray(correct, dtype=np.bool_)
    if drawn.shape != right.shape:
        raise ValueError("scores and correct must have one entry an item")
    accepted, errors = count_above(plan, drawn), count_above(plan, drawn[~right])
    tested = _run_sequence(plan, accepted, errors)
    passed = [step for step in tested if step.p_value <= plan.delta_attempt]
    shown = passed[-1] if passed else tested[0]
    return CertificationResult(
        threshold=shown.threshold if passed else None,
        accepted=shown.accepted,
        errors=shown.errors,
        upper_bound=upper_bound(shown.errors, shown.accepted, plan.delta_attempt),
        delta_attempt=plan.delta_attempt,
        labels=len(drawn),
        labels_short=None if passed else _labels_short(plan, accepted, errors, len(drawn)),
        tested=tuple(tested),
    )


def may_still_certify(plan: CertificationPlan, scores: ArrayLike, correct: ArrayLike) -> bool:
    """Say whether labels that are still to come could certify, by this draw or a later one.

    They could not if even successes alone, all above every threshold, would not. To stop then
    changes no result, whatever the order in which labels came.

    Parameters
    ----------
    scores, correct : shape (n,), n at most `plan.labels`

    References
    ----------
    Alling, Journal of the American Statistical Association 61 (1966) (curtailed sampling).
    """
    drawn, right = as_scores(scores), np.asarray(correct, dtype=np.bool_)
    accepted = drawn >= np.float32(plan.thresholds[plan.start])
    missing = plan.labels - len(drawn)
    p_value = error_p_value((accepted & ~right).sum(), accepted.sum() + missing, plan.alpha)
    if p_value <= plan.delta_attempt:
        return True
    following = next_draw(plan)
    return following is not None and may_still_certify(following, drawn, right)


def count_above(plan: CertificationPlan, scores: ArrayLike) -> IntArray:
    """Count the scores at or above each threshold of the plan."""
    above = as_scores(scores)[:, None] >= np.asarray(plan.thresholds, dtype=np.float32)[None, :]
    return np.asarray(above.sum(axis=0), dtype=np.int64)


def _run_sequence(
    plan: CertificationPlan, accepted: IntArray, errors: IntArray
) -> list[SequenceStep]:
    p_values = error_p_value(errors, accepted, plan.alpha)
    tested = []
    for j in range(plan.start, len(plan.thresholds)):
        p_value = float(p_values[j])
        tested.append(SequenceStep(plan.thresholds[j], int(accepted[j]), int(errors[j]), p_value))
        if p_value > plan.delta_attempt:
            break
    return tested


def _labels_short(
    plan: CertificationPlan, accepted: IntArray, errors: IntArray, seen: int
) -> int | None:
    """Labels beyond those seen for 80 % power at the next draw, at the cheapest grid point.

    The error of a grid point is estimated from its certification labels and as many tune items,
    which hold the padded prediction.
    """
    predicted = np.asarray(plan.predicted_errors)
    borrowed = np.minimum(np.asarray(plan.tune_items), accepted)
    estimate = (errors + borrowed * predicted) / np.maximum(accepted + borrowed, 1)
    estimate = np.where(accepted + borrowed > 0, estimate, predicted)
    following = next_draw(plan)
    spent = attempt_delta(plan.delta, plan.attempt + 1)
    level = level_of_test(plan.promised_alpha, plan.misses, plan.probes, spent)
    if following is not None:
        level = Level(plan.alpha, following.delta_attempt)
    most = largest_passing_errors(SIZES, level.delta, level.alpha)
    chance = error_p_value(most[None, :], SIZES[None, :], estimate[:, None])
    enough = (chance >= WANTED_POWER) & (most >= 0) & (estimate[:, None] < level.alpha)
    points = np.flatnonzero(enough.any(axis=1))
    if not len(points):
        return None
    accepted_needed = SIZES[enough[points].argmax(axis=1)]
    needed = (accepted_needed / np.asarray(plan.shares)[points]).min()
    return max(10, int(np.ceil((needed - seen) / 10)) * 10)
