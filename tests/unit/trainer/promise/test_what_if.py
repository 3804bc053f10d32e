"""What another target would have got from the labels that exist."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.trainer.promise.certify import certify
from services.trainer.promise.planning import CertificationPlan, plan_certification
from services.trainer.promise.what_if import repeat_for_target

Scores = NDArray[np.float32]
Correct = NDArray[np.bool_]
Case = tuple[CertificationPlan, tuple[list[float], list[bool]], Scores, Correct]


def _certified(seed: int, labels: int = 2000) -> Case:
    """Return a plan, tune data, and drawn labels of a population whose risk is 0.4 (1 - s)."""
    random = np.random.default_rng(seed)

    def sample(size: int) -> tuple[Scores, Correct]:
        scores = random.uniform(0.5, 1, size).astype(np.float32)
        return scores, random.random(size) > 0.4 * (1 - scores)

    tune_scores, tune_correct = sample(3000)
    unlabelled, _ = sample(5000)
    plan = plan_certification(
        tune_scores, tune_correct, unlabelled, alpha=0.1, delta=0.05, labels=labels
    )
    assert plan is not None
    scores, correct = sample(4 * labels)
    inside = np.flatnonzero(scores >= np.float32(plan.region))[:labels]
    return plan, (tune_scores.tolist(), tune_correct.tolist()), scores[inside], correct[inside]


def test_the_same_target_gets_nearly_what_was_certified() -> None:
    plan, tune, scores, correct = _certified(1)
    certified = certify(plan, scores, correct)
    supposed = repeat_for_target(plan, tune, scores.tolist(), correct.tolist(), 0.9)
    assert certified.threshold is not None
    assert supposed.threshold == pytest.approx(certified.threshold, abs=0.03)


def test_stricter_target_gets_a_stricter_threshold_and_less() -> None:
    plan, tune, scores, correct = _certified(2)
    found = [
        repeat_for_target(plan, tune, scores.tolist(), correct.tolist(), target)
        for target in (0.9, 0.95)
    ]
    assert found[0].threshold is not None
    assert found[1].threshold is not None
    assert found[1].threshold > found[0].threshold
    assert found[1].coverage < found[0].coverage
    assert found[1].errors / found[1].labels < 0.05


def test_target_beyond_the_labels_gets_nothing() -> None:
    plan, tune, scores, correct = _certified(3, labels=300)
    supposed = repeat_for_target(plan, tune, scores.tolist(), correct.tolist(), 0.999)
    assert supposed.threshold is None
    assert (supposed.coverage, supposed.labels, supposed.errors) == (0.0, 0, 0)


def test_more_lenient_target_is_refused() -> None:
    plan, tune, scores, correct = _certified(4, labels=300)
    with pytest.raises(ValueError, match="at least"):
        repeat_for_target(plan, tune, scores.tolist(), correct.tolist(), 0.8)
