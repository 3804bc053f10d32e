"""What a fresh certification of a model answers, by the trainer's own functions."""

from dataclasses import dataclass

import numpy as np

from services.trainer.promise.certify import certify
from services.trainer.promise.planning import plan_certification
from services.trainer.recipes.recipe import BoolArray, FittedModel, Float32Array

LABELS, DELTA = 500, 0.05


@dataclass(frozen=True)
class Judged:
    """Items with a model's confidence and whether it is right, shape (n,) each."""

    scores: Float32Array
    right: BoolArray


@dataclass(frozen=True)
class Certified:
    """The share of other items that a certificate answers, in [0, 1], and how many are wrong."""

    share: float
    wrong: float


def certified(
    fitted: FittedModel, pool: Judged, others: Judged, target: float, rng: np.random.Generator
) -> Certified:
    """Draw `LABELS` items of the pool in the candidate region, certify, and answer the others.

    One draw, on the first attempt. Nothing is answered without a plan or a certificate, or if the
    region has too few items in the pool.
    """
    none = Certified(0.0, 0.0)
    plan = plan_certification(
        fitted.scores, fitted.correct, pool.scores, alpha=1 - target, delta=DELTA, labels=LABELS
    )
    if plan is None:
        return none
    region = np.flatnonzero(pool.scores >= plan.region)
    if len(region) < LABELS:
        return none
    drawn = rng.permutation(region)[:LABELS]
    threshold = certify(plan, pool.scores[drawn], pool.right[drawn]).threshold
    if threshold is None:
        return none
    answered = others.scores >= np.float32(threshold)
    wrong = float((~others.right[answered]).mean()) if answered.any() else 0.0
    return Certified(float(answered.mean()), wrong)
