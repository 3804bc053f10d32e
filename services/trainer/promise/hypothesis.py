"""What another target would have got from the labels that a certification has already (pure).

Advice for whoever sets a target, not a certificate: the labels were drawn for another one, and
whoever tries several targets on the same labels and keeps the best one has proven nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.promise.certify import (
    CertificationPlan,
    CertificationResult,
    candidate_region,
    certify,
    eligible,
    plan_certification,
)


@dataclass(frozen=True)
class Hypothesis:
    """The threshold that `target_accuracy` would have got (None: nothing), and its evidence.

    `coverage` is the share of the population at or above the threshold, in [0, 1]; `labels` and
    `errors` count the verdicts there.
    """

    target_accuracy: float
    threshold: float | None
    coverage: float
    labels: int
    errors: int


def suppose(
    plan: CertificationPlan,
    tune: tuple[Sequence[float], Sequence[bool]],
    scores: Sequence[float],
    correct: Sequence[bool],
    target_accuracy: float,
) -> Hypothesis:
    """Repeat the certification for a target at least as strict as the one it was drawn for.

    A stricter target's candidate region lies inside the one that was drawn from, so the labels
    inside it are a uniform draw from it; its own plan is made of the tune data and of scores, not
    of labels.

    Parameters
    ----------
    plan
        The plan that was tested.
    tune
        Out-of-fold scores and whether right, shape (t,) each.
    scores, correct : shape (n,)
        The drawn items' scores, and whether people gave the version's label.
    target_accuracy : in [1 - plan.alpha, 1)

    Raises
    ------
    ValueError
        A more lenient target: its region was not drawn from.
    """
    alpha = round(1 - target_accuracy, 12)
    if alpha > plan.alpha:
        raise ValueError(f"must be at least {1 - plan.alpha:g}, the target that labels exist for")
    region = candidate_region(*tune, scores, alpha)
    inside = eligible(scores, 2.0 if region is None else max(region, plan.region))
    kept = np.asarray(scores, dtype=np.float32)[inside]
    result = _certified(plan, tune, kept, np.asarray(correct)[inside], alpha)
    if result is None or result.threshold is None:
        return Hypothesis(target_accuracy, None, 0.0, 0, 0)
    share = plan.region_share * float(np.mean(eligible(scores, result.threshold)))
    return Hypothesis(target_accuracy, result.threshold, share, result.accepted, result.errors)


def _certified(
    plan: CertificationPlan,
    tune: tuple[Sequence[float], Sequence[bool]],
    scores: NDArray[np.float32],
    correct: NDArray[np.bool_],
    alpha: float,
) -> CertificationResult | None:
    if len(scores) == 0:
        return None
    other = plan_certification(
        *tune, scores, alpha=alpha, delta=plan.delta, labels=len(scores), attempt=plan.attempt
    )
    return None if other is None else certify(other, scores, correct)
