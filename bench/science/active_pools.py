"""What choosing the hard items of a pool does to certificates that are drawn from it.

    python -m bench science active-pools --runs 1000

A model errs on a fifth of the hard half of all items and on 2 % of the easy half, and its scores do
not tell one from the other. 90 % are promised, and 11 % of what comes is wrong, so every
certificate is false. Batches were chosen by an earlier model that did tell: people labelled two
thirds of the hard items that a strategy may choose.
"""

import argparse

import numpy as np

from bench.science.deployments import passes_start
from services.trainer.promise.planning import plan_certification

DELTA, LABELS, TUNE = 0.05, 500, 1_000
RESERVE_RATE = 0.25
_HARD, _EASY, _PREDICTED = 0.20, 0.02, 0.07


def certified(
    size: int, runs: int, rng: np.random.Generator, *, from_reserve: bool, hard: float = _HARD
) -> float:
    """Return the share of draws that certify, from the reserve or from what waits otherwise.

    Parameters
    ----------
    size
        Items of the pool.
    hard
        The error of the hard half.
    """
    found = 0
    for _ in range(runs):
        is_hard, is_reserved = rng.random(size) < 0.5, rng.random(size) < RESERVE_RATE
        is_chosen = is_hard & ~is_reserved & (rng.random(size) < 2 / 3)
        population = np.flatnonzero(is_reserved if from_reserve else ~is_reserved & ~is_chosen)
        # Out of fold the predictions hide the error: the plan is as hopeful as it can be.
        plan = plan_certification(
            rng.random(TUNE),
            rng.random(TUNE) >= _PREDICTED,
            rng.random(TUNE),
            alpha=0.1,
            delta=DELTA,
            labels=LABELS,
        )
        if plan is None:
            continue
        drawn = rng.choice(population, LABELS, replace=False)
        right = rng.random(LABELS) >= np.where(is_hard[drawn], hard, _EASY)
        scores = plan.region + (1 - plan.region) * rng.random(LABELS)
        found += passes_start(plan, scores, right)
    return found / runs


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench science active-pools")
    parser.add_argument("--runs", type=int, default=1_000)
    runs = parser.parse_args(arguments).runs
    rng = np.random.default_rng(0)
    for from_reserve, words in ((False, "from what the choice left"), (True, "from the reserve")):
        share = certified(4_000, runs, rng, from_reserve=from_reserve)
        print(f"false certificates, drawn {words}: {share:.1%}")
    share = certified(4_000, runs, rng, from_reserve=True, hard=0.08)
    print(f"certified where 95 % are right, drawn from the reserve: {share:.1%}")
