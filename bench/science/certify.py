"""How often certification keeps its promise, and how much it certifies, on simulated populations.

    python -m bench.science.certify --runs 1000

Prints one row a population and label budget: runs with a broken promise (at most 5 % are allowed),
runs with a certificate, and coverage as a share of what an oracle could answer. Promise 99 % at
95 % confidence, 3,000 out-of-fold predictions, 20,000 unlabelled scores, labels drawn only in the
candidate region. With one draw the test spends all of delta; with several, which divide the
labels, it is the first test of a period. A flat error just above the promise has no oracle
coverage: every certificate is a broken promise there, also where the out-of-fold predictions say
that all is well.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.promise.certify import certify
from services.trainer.promise.planning import next_draw, plan_certification

FloatArray = NDArray[np.float64]

ALPHA, DELTA = 0.01, 0.05
TUNE, UNLABELLED = 3_000, 20_000


@dataclass(frozen=True)
class Population:
    """Items by rank u, uniform with 0 the surest; score 1 - u; error risk(u)."""

    name: str
    risk: Callable[[FloatArray], FloatArray]
    predicted: Callable[[FloatArray], FloatArray] | None = None

    def selective_risk(self) -> FloatArray:
        """Error among the surest share, at shares 1/10,000 to 1."""
        u = (np.arange(10_000) + 0.5) / 10_000
        out: FloatArray = np.cumsum(self.risk(u)) / np.arange(1, 10_001)
        return out


def calibrated(u: FloatArray) -> FloatArray:
    """Err as the scores say: an oracle answers 36 %."""
    out: FloatArray = 0.5 * u**2.58
    return out


def overconfident(u: FloatArray) -> FloatArray:
    """Err several times as often as `calibrated`, never below 0.4 %; 1 % over the surest 14.5 %."""
    return np.clip(1.9864 * u**2.2, 0.004, 1.0)


def rising_slowly(u: FloatArray) -> FloatArray:
    """Leave the same floor sooner, for 1 % over as large a share: harder to certify."""
    out: FloatArray = 0.004 + 0.5 * u**1.77
    return out


def wrong_at_the_top(u: FloatArray) -> FloatArray:
    """As calibrated, but the very surest 3 % err on 3 %."""
    return np.where(u < 0.03, 0.03, calibrated(u))


POPULATIONS = (
    Population("calibrated", calibrated),
    Population("overconfident, 0.4 % floor", overconfident),
    Population("rising slowly from 0.4 %", rising_slowly),
    Population("hopeless, 1.2 % and more", lambda u: 0.012 + 0.3 * u),
    Population("flat 1.01 %", lambda u: np.full(u.shape, 0.0101)),
    Population(
        "flat 1.01 %, predicted calibrated",
        lambda u: np.full(u.shape, 0.0101),
        calibrated,
    ),
    Population("wrong at the very top", wrong_at_the_top),
)


def certified_share(
    population: Population, labels: int, draws: int, rng: np.random.Generator
) -> float:
    """Share of traffic that one simulated certification allows, 0 if it fails."""
    u = rng.random(TUNE)
    predicted = population.predicted or population.risk
    tuned_on = 1 - u, rng.random(TUNE) >= predicted(u), 1 - rng.random(UNLABELLED)
    # The first test of a period spends 0.8 of this.
    delta = DELTA / 0.8 if draws == 1 else DELTA
    plan = plan_certification(
        *tuned_on, alpha=ALPHA, delta=delta, labels=labels // draws, draws=draws
    )
    drawn, correct = np.empty(0), np.empty(0, dtype=np.bool_)
    while plan is not None:
        more = rng.random(plan.labels_of_draw) * (1 - plan.region)
        drawn = np.append(drawn, more)
        correct = np.append(correct, rng.random(len(more)) >= population.risk(more))
        result = certify(plan, 1 - drawn, correct)
        if result.threshold is not None:
            return 1 - result.threshold
        plan = next_draw(plan)
    return 0.0


def row(population: Population, labels: int, draws: int, runs: int, seed: int) -> str:
    """Simulate one line of the table."""
    rng = np.random.default_rng(seed)
    started = time.perf_counter()
    curve = population.selective_risk()
    kept = np.flatnonzero(curve <= ALPHA)
    oracle = (kept[-1] + 1) / len(curve) if len(kept) else 0.0
    shares = np.array([certified_share(population, labels, draws, rng) for _ in range(runs)])
    at = np.clip((shares * len(curve)).astype(int) - 1, 0, None)
    broken = (shares > 0) & (curve[at] > ALPHA)
    of_oracle = f"{shares.mean() / oracle:8.0%}" if oracle else "       -"
    return (
        f"{population.name:35} {labels:6} {draws:5} {oracle:7.1%} {broken.mean():7.1%} "
        f"{(shares > 0).mean():10.1%} {of_oracle} {time.perf_counter() - started:6.1f} s"
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the table; `arguments` None means those of the command line."""
    parser = argparse.ArgumentParser(description="certification on simulated populations")
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--labels", type=int, nargs="+", default=[2_000, 5_000])
    parser.add_argument("--draws", type=int, nargs="+", default=[1])
    asked = parser.parse_args(arguments)
    print(f"{'population':35} labels draws  oracle  broken  certified of oracle   time")
    for population in POPULATIONS:
        for labels in asked.labels:
            for draws in asked.draws:
                print(row(population, labels, draws, asked.runs, asked.seed), flush=True)


if __name__ == "__main__":
    main()
