"""How a project compares recipes: by the coverage that a certificate is predicted to have."""

from collections.abc import Mapping
from typing import Any

from services.trainer.promise.planning import next_draw, plan_certification
from services.trainer.recipes.recipe import BoolArray, Float32Array
from shared.contracts.certificates import complement
from shared.contracts.projects import Project


def terms_of(project: Project) -> dict[str, Any]:
    """Return what a certification of the project would be planned with, as JSON."""
    promise = project.promise
    return {
        "alpha": complement(promise.target_accuracy),
        "delta": complement(promise.confidence),
        "labels": promise.certification_labels,
        "draws": promise.certification_draws,
    }


def predicted_coverage(scores: Float32Array, correct: BoolArray, terms: Mapping[str, Any]) -> float:
    """Return the share of the traffic that the first certification is predicted to answer.

    Of the draws that it may take, the one that is expected to answer most. Traffic is taken to be
    like the rows: only recipes that were fitted on the same rows can be compared.

    Parameters
    ----------
    scores : shape (m,), float32 in [0, 1]
        Out-of-fold confidences.
    correct : shape (m,)
    terms : of `terms_of`

    Returns
    -------
    float in [0, 1]; 0 where nothing is predicted to be certified.
    """
    plan = plan_certification(scores, correct, scores, **terms)
    best = 0.0
    while plan is not None:
        best = max(best, plan.expected_coverage)
        plan = next_draw(plan)
    return best
