"""What the labels of a certification prove of each predicted class (pure).

The certificate is about all answers together; a class may still err more often than promised. So
each class has a fixed sequence of tests of its own, along the plan's thresholds, at its share of
the test's delta: delta_attempt / K for K classes (Bonferroni). All classes that are certified keep
the promise at once with a confidence of 1 - delta_attempt. This statement stands beside that of the
certificate, which spends its delta on its own sequence; routers go by the certificate alone.

A class's sequence begins at the threshold of the best predicted power for the class, which follows
from the plan and the population's scores; no verdict has a say in it. It is certified if every test
from there to the certified threshold passes. Of reviewers' misses the same bound is taken for every
class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from services.trainer.promise.binomial import (
    error_p_value,
    largest_passing_errors,
    power,
    upper_bound,
)
from services.trainer.promise.certify import (
    SIZES,
    WANTED_POWER,
    CertificationResult,
    count_above,
    eligible,
)
from services.trainer.promise.planning import CertificationPlan, strictest_of_best_power
from services.trainer.promise.proof.messages import ClassFigures, DrawnRow, PopulationRow
from services.trainer.promise.risk import as_scores

IntArray = NDArray[np.int64]


def class_figures(
    plan: CertificationPlan,
    result: CertificationResult,
    population: Sequence[PopulationRow],
    drawn: Sequence[DrawnRow],
    classes: Sequence[str],
) -> list[ClassFigures]:
    """Return what the labels prove of each class, in the order of `classes`.

    Parameters
    ----------
    result
        Of the plan's test; without a certified threshold the figures are those at its start.
    classes
        The project's labels: all of them share delta, those that were never predicted as well.
    """
    shown = plan.thresholds[plan.start] if result.threshold is None else result.threshold
    case = _Case(plan, result, plan.thresholds.index(shown), plan.delta_attempt / len(classes))
    is_complete = len(drawn) == plan.labels
    scores = as_scores([row.score for row in population])
    labels = np.array([row.label for row in population])
    drawable = np.array([row.drawable for row in population], dtype=np.bool_)
    # Of each label of the plan, so many are of one item that may be drawn.
    rate = plan.labels / max(int((drawable & eligible(scores, plan.region)).sum()), 1)
    found = []
    for label in classes:
        own = labels == label
        expected = np.rint(rate * count_above(plan, scores[own & drawable])).astype(np.int64)
        share = float(eligible(scores[own], shown).mean()) if own.any() else None
        figures = _figures(case, label, share, expected, [r for r in drawn if r.label == label])
        # What ended early ended because of its labels: their number is no longer a given.
        found.append(figures if is_complete else figures.model_copy(update={"certified": False}))
    return found


@dataclass(frozen=True)
class _Case:
    """What all classes share: `shown` is the place of the threshold that the figures are at."""

    plan: CertificationPlan
    result: CertificationResult
    shown: int
    delta: float


def _figures(
    case: _Case, label: str, share: float | None, expected: IntArray, drawn: Sequence[DrawnRow]
) -> ClassFigures:
    plan = case.plan
    accepted = count_above(plan, [row.score for row in drawn])
    errors = count_above(plan, [row.score for row in drawn if row.finding != "right"])
    passed = error_p_value(errors, accepted, plan.alpha) <= case.delta
    start = _start(case, expected)
    certified = start <= case.shown and bool(passed[start : case.shown + 1].all())
    at = int(accepted[case.shown]), int(errors[case.shown])
    return ClassFigures(
        label=label,
        share_answered=share,
        labels=at[0],
        errors=at[1],
        upper_bound=plan.true_error(upper_bound(at[1], at[0], case.delta)),
        certified=certified,
        labels_short=None if certified else _labels_short(case, *at),
    )


def _start(case: _Case, expected: IntArray) -> int:
    """Return the first threshold to test for a class, given its expected labels at each."""
    plan = case.plan
    tested = slice(plan.start, None)
    predicted = np.asarray(plan.predicted_errors)[tested]
    chance = power(expected[tested], predicted, case.delta, plan.alpha)
    return plan.start + strictest_of_best_power(chance)


def _labels_short(case: _Case, labels: int, errors: int) -> int | None:
    """Labels of the class, beyond those at hand, for 80 % power; None: it errs too often.

    Its error is estimated from its labels and 1 / alpha others of the error of all classes.
    """
    plan, result = case.plan, case.result
    borrowed = ceil(1 / plan.alpha)
    joint = result.errors / max(result.accepted, 1)
    estimate = (errors + borrowed * joint) / (labels + borrowed)
    most = largest_passing_errors(SIZES, case.delta, plan.alpha)
    enough = (most >= 0) & (error_p_value(most, SIZES, estimate) >= WANTED_POWER)
    if estimate >= plan.alpha or not enough.any():
        return None
    return max(1, int(SIZES[enough.argmax()]) - labels)
