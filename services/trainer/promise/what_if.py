"""What another target would have got from the labels that a certification has already.

Advice for setting a target, not a certificate: the labels were drawn for another target, and the
best of several targets tried on the same labels is proven by none of them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.trainer.promise import repository
from services.trainer.promise.certify import CertificationResult, certify, eligible
from services.trainer.promise.messages import HypothesisView
from services.trainer.promise.planning import CertificationPlan, plan_certification
from services.trainer.promise.proof.findings import rows_of
from services.trainer.promise.risk import as_scores, predict_risk
from services.trainer.promise.tuning import Tune, tune_of
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from shared.contracts.certificates import complement
from shared.contracts.projects import Project
from shared.problems import Conflict, Unprocessable


async def describe_what_if(
    resources: Resources, project: Project, target_accuracy: float
) -> HypothesisView:
    """Return what `target_accuracy` would have got from the newest closed certification.

    Raises
    ------
    Conflict
        There is no certification whose labels have all come.
    Unprocessable
        The target is more lenient than the one that the labels were drawn for.
    """
    async with resources.database.reading() as session:
        newest = await repository.newest(session, project.project)
        if newest is None or newest.plan is None or newest.result is None:
            raise Conflict("There is no certification yet whose labels have all come.")
        version = await registry.find(session, project.project, newest.version)
        assert version is not None
        drawn = await rows_of(session, await repository.tested_items(session, newest))
    plan = CertificationPlan.from_dict(newest.plan)
    scores, correct = [row.score for row in drawn], [row.finding == "right" for row in drawn]
    try:
        return repeat_for_target(plan, tune_of(version, scores), scores, correct, target_accuracy)
    except ValueError as error:
        raise Unprocessable([("/query/target_accuracy", str(error))]) from error


def repeat_for_target(
    plan: CertificationPlan,
    tune: Tune,
    scores: Sequence[float],
    correct: Sequence[bool],
    target_accuracy: float,
) -> HypothesisView:
    """Repeat the certification for a target at least as strict as the one it was drawn for.

    A stricter target's candidate region lies inside the one that was drawn from, so the labels
    inside it are a uniform draw from it; its plan is made of tune data and scores, not of labels.

    Parameters
    ----------
    plan, tune
        The plan that was tested, and what it was made of.
    scores, correct : shape (n,)
        The drawn items' scores, and whether people gave the version's label.

    Raises
    ------
    ValueError
        A more lenient target: its region was not drawn from.
    """
    alpha = complement(target_accuracy)
    if alpha > plan.promised_alpha:
        least = 1 - plan.promised_alpha
        raise ValueError(f"must be at least {least:g}, the target that labels exist for")
    region = predict_risk(*tune, scores).region(alpha)
    inside = eligible(scores, 2.0 if region is None else max(region, plan.region))
    result = _certified(plan, tune, as_scores(scores)[inside], np.asarray(correct)[inside], alpha)
    if result is None or result.threshold is None:
        return HypothesisView(target_accuracy=target_accuracy)
    return HypothesisView(
        target_accuracy=target_accuracy,
        threshold=result.threshold,
        coverage=plan.region_share * float(np.mean(eligible(scores, result.threshold))),
        labels=result.accepted,
        errors=result.errors,
    )


def _certified(
    plan: CertificationPlan,
    tune: Tune,
    scores: NDArray[np.float32],
    correct: NDArray[np.bool_],
    alpha: float,
) -> CertificationResult | None:
    if len(scores) == 0:
        return None
    other = plan_certification(
        *tune,
        scores,
        alpha=alpha,
        delta=plan.delta,
        labels=len(scores),
        attempt=plan.attempt,
        misses=plan.misses,
        probes=plan.probes,
    )
    return None if other is None else certify(other, scores, correct)
