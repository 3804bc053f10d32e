"""Traffic with copies: a draw of occurrences keeps the promise about the answers that are given."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from services.trainer.promise.certify import certify, eligible
from services.trainer.promise.planning import plan_certification

ALPHA, DELTA, LABELS = 0.05, 0.05, 500


@dataclass(frozen=True)
class Traffic:
    """`share` of the items are copies of `texts` stock texts, the others are all different."""

    share: float
    texts: int

    def mix(self, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Rank of each stock text, and whether the version is right on it."""
        u = rng.random(self.texts)
        return u, rng.random(self.texts) >= _risk(u)

    def draw(
        self,
        n: int,
        stock: tuple[NDArray[np.float64], NDArray[np.bool_]],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Scores and correctness of n occurrences."""
        u = rng.random(n)
        right = rng.random(n) >= _risk(u)
        copies = rng.random(n) < self.share
        text = rng.integers(self.texts, size=n)
        u[copies], right[copies] = stock[0][text[copies]], stock[1][text[copies]]
        return (1 - u).astype(np.float32), right


def _risk(u: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * u**2.58)


def _is_violated(traffic: Traffic, rng: np.random.Generator) -> bool:
    """Certify one deployment; say whether its answers then err more often than promised."""
    stock = traffic.mix(rng)
    tune_u = rng.random(500)
    tune = (1 - tune_u).astype(np.float32), rng.random(500) >= _risk(tune_u)
    population, _ = traffic.draw(5_000, stock, rng)
    plan = plan_certification(*tune, population, alpha=ALPHA, delta=DELTA, labels=LABELS)
    if plan is None:
        return False
    scores, right = traffic.draw(20_000, stock, rng)
    inside = np.flatnonzero(eligible(scores, plan.region))[:LABELS]
    result = certify(plan, scores[inside], right[inside])
    if result.threshold is None:
        return False
    later, is_right = traffic.draw(50_000, stock, rng)
    answered = eligible(later, result.threshold)
    return bool(np.mean(~is_right[answered]) > ALPHA)


@pytest.mark.parametrize("deployments", [60, pytest.param(300, marks=pytest.mark.thorough)])
def test_stock_texts_break_the_promise_no_more_often_than_it_says(deployments: int) -> None:
    rng = np.random.default_rng(11)
    traffic = Traffic(share=0.3, texts=20)
    violated = sum(_is_violated(traffic, rng) for _ in range(deployments))
    # Counting each text once, 10 % of such deployments were violated.
    assert violated <= deployments * DELTA + 3 * np.sqrt(deployments * DELTA * (1 - DELTA))


def test_half_copies_of_one_misread_item_are_never_certified() -> None:
    rng = np.random.default_rng(12)
    traffic = Traffic(share=0.5, texts=1)
    wrong = np.array([0.01]), np.array([False])
    for _ in range(50):
        tune_u = rng.random(500)
        tune = (1 - tune_u).astype(np.float32), rng.random(500) >= _risk(tune_u)
        population, _ = traffic.draw(5_000, wrong, rng)
        plan = plan_certification(*tune, population, alpha=ALPHA, delta=DELTA, labels=LABELS)
        assert plan is not None
        scores, right = traffic.draw(5_000, wrong, rng)
        inside = np.flatnonzero(eligible(scores, plan.region))[:LABELS]
        result = certify(plan, scores[inside], right[inside])
        # Only what is stricter than the misread item may answer.
        assert result.threshold is None or result.threshold > np.float32(0.99)
