"""Certification beside a hand-picked threshold, SGR and MAPIE: small form of the bench's table."""

import numpy as np
import pytest

from bench.science.certify import ALPHA, POPULATIONS
from bench.science.rivals import METHODS, OWN, hand_picked, sgr, share_answered

pytestmark = pytest.mark.thorough

CALIBRATED, FLAT = POPULATIONS[0], POPULATIONS[4]
RUNS = 60


def shares(population: object, method: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    chosen = next(one for one in POPULATIONS if one is population)
    return np.array([share_answered(chosen, method, 5_000, rng) for _ in range(RUNS)])


@pytest.mark.parametrize("method", [name for name in METHODS if name != "hand-picked"])
def test_certification_answers_more_than_other_proofs_with_as_many_labels(method: str) -> None:
    assert shares(CALIBRATED, OWN, 1).mean() > 1.2 * shares(CALIBRATED, method, 1).mean()


@pytest.mark.thorough
def test_only_the_hand_picked_threshold_breaks_a_promise_that_nothing_keeps() -> None:
    broken = {name: (shares(FLAT, name, 2) > 0).mean() for name in [*METHODS, OWN]}
    assert broken.pop("hand-picked") > 0.9
    # 5 % and three standard errors of 60 runs.
    assert max(broken.values()) <= 0.05 + 3 * (0.05 * 0.95 / RUNS) ** 0.5


def test_thresholds_of_the_other_methods_are_those_of_their_definitions() -> None:
    scores = np.linspace(1, 0, 5_000)
    right = np.ones(5_000)
    assert hand_picked(scores, right) == 0
    # The bound at 13 shares of delta falls with each step: 0.2 % for the first, of 2,501 items.
    assert sgr(scores, right) == pytest.approx(0, abs=0.01)
    right[2_500:] = 0
    picked = hand_picked(scores, right)
    assert picked is not None
    accepted = int((scores >= picked).sum())
    assert accepted - 2_500 <= ALPHA * accepted < accepted - 2_500 + 1
    assert sgr(scores, np.zeros(5_000)) is None
